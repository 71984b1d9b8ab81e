"""Fault points: moments at which a worker can be made to die or to fall asleep, on ports that are watched here.

A point is armed by a file; the worker that gets there first takes it away, writes down that it was there, and sends
itself the signal the file names.  The product knows nothing of it.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import aiokafka.conn
import msgspec
from dependency_injector import providers

from config.container import Application

POINTS = {
    "before_commit": "http",
    "after_commit_before_answer": "http",
    "after_send_before_acknowledgement": "relay",
    "after_acknowledgement_before_delete": "relay",
    "before_effect_commit": "consumer",
    "after_effect_before_offset": "consumer",
    "after_acceptance_before_row": "dispatcher",
}
"""Every point, and whose it is."""


class FaultPointHit(msgspec.Struct):
    """Somebody reached an armed point."""

    point: str
    worker: str
    pid: int
    signal: str


class FaultPointRegistry:
    """The folder in which points are armed, as the kit and its workers see it."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._hits = folder / "armed", folder / "hits.jsonl"
        self._armed.mkdir(exist_ok=True)
        self._hits.touch()

    def arm(self, point: str, signal_name: str) -> None:
        """Let the next worker that reaches a point send itself a signal."""
        (self._armed / f"{point}.new").write_text(signal_name)
        (self._armed / f"{point}.new").rename(self._armed / point)

    def armed(self) -> set[str]:
        """Return the points that wait for somebody."""
        return {armed.name for armed in self._armed.iterdir()}

    def disarm(self) -> None:
        """Let everybody pass."""
        for armed in self._armed.iterdir():
            armed.unlink(missing_ok=True)

    def hits(self) -> list[FaultPointHit]:
        """Return who reached what."""
        return [msgspec.json.decode(line, type=FaultPointHit) for line in self._hits.read_bytes().splitlines()]

    def take(self, point: str, worker: str) -> signal.Signals | None:
        """Return the signal that this worker has to send itself; a point goes off once."""
        try:
            name = (self._armed / point).read_text()
            (self._armed / point).unlink()
        except FileNotFoundError:
            return None
        with self._hits.open("ab") as hits:
            hits.write(msgspec.json.encode(FaultPointHit(point, worker, os.getpid(), name)) + b"\n")
        return signal.Signals[name]


def patch_factory(made: Any, change: Callable[[Any], Any]) -> None:
    """Let everybody who asks for a new one of these have it changed first."""
    made.override(providers.Callable(change, made.last_overriding or made.providers["mysql"]))


class Watch:
    """The eyes of one worker."""

    def __init__(self, worker: str, armoury: FaultPointRegistry) -> None:
        self._worker, self._armoury = worker, armoury

    def instrument(self, application: Application, role: str) -> None:
        """Watch the ports whose points are this role's."""
        driven = application.driven
        match role:
            case "http":
                patch_factory(driven.new_work, self._work)
            case "relay":
                self._call(driven.outbox(), "published", before="after_acknowledgement_before_delete")
                self._produce_requests()
            case "consumer":
                patch_factory(driven.new_inbox, self._inbox)
            case "dispatcher":
                adapters = application.settings().adapters
                vendors = [driven.email_vendors(name) for name in adapters.email]
                vendors += [driven.sms_vendors(name) for name in adapters.sms]
                for vendor in vendors:
                    self._call(vendor, "send", after="after_acceptance_before_row")

    def reached(self, point: str) -> None:
        """Die or sleep here, if the point is armed."""
        if (number := self._armoury.take(point, self._worker)) is not None:
            os.kill(os.getpid(), number)

    def _work(self, work: Any) -> Any:
        self._call(work, "commit", before="before_commit", after="after_commit_before_answer")
        return work

    def _inbox(self, inbox: Any) -> Any:
        self._call(inbox, "commit", before="before_effect_commit", after="after_effect_before_offset")
        return inbox

    def _call(self, port: Any, method: str, *, before: str = "", after: str = "") -> None:
        call: Callable[..., Awaitable[Any]] = getattr(port, method)

        @wraps(call)
        async def watched(*arguments: Any, **named: Any) -> Any:
            if before:
                self.reached(before)
            answer = await call(*arguments, **named)
            if after:
                self.reached(after)
            return answer

        setattr(port, method, watched)

    def _produce_requests(self) -> None:
        """Watch the client's own connection: no port tells a record that has left from one that was acknowledged."""
        send = aiokafka.conn.AIOKafkaConnection.send

        def watched(connection: Any, request: Any, expect_response: bool = True) -> Any:
            sent = send(connection, request, expect_response)
            point = "after_send_before_acknowledgement"
            if not type(request).__name__.startswith("ProduceRequest"):
                return sent
            if (number := self._armoury.take(point, self._worker)) is None:
                return sent
            # A loop writes when it comes round; in the meantime nobody may hear the acknowledgement.
            asyncio.get_running_loop().call_later(0.005, os.kill, os.getpid(), number)
            return asyncio.get_running_loop().create_future() if number is signal.SIGKILL else sent

        aiokafka.conn.AIOKafkaConnection.send = watched
