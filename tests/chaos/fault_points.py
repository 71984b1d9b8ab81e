"""Fault points: moments at which a worker kills or stops itself, in calls of ports that the test kit wraps.

A file arms a point; the first worker that reaches it removes the file, records this, and sends itself the signal that
the file names.  The product does not know the fault points.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import aiokafka.conn
import aiormq.channel
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
    "after_refund_before_row": "scheduler",
}
"""Every fault point by role."""


class FaultPointHit(msgspec.Struct):
    """A worker reached an armed point."""

    point: str
    worker: str
    pid: int
    signal: str


class FaultPointRegistry:
    """The folder of armed points, shared by the test kit and its workers."""

    def __init__(self, folder: Path) -> None:
        self._armed, self._hits = folder / "armed", folder / "hits.jsonl"
        self._armed.mkdir(exist_ok=True)
        self._hits.touch()

    def arm(self, point: str, signal_name: str) -> None:
        """Arm a point: the next worker that reaches it sends itself a signal."""
        (self._armed / f"{point}.new").write_text(signal_name)
        (self._armed / f"{point}.new").rename(self._armed / point)

    def armed(self) -> set[str]:
        """Return the points that are armed."""
        return {armed.name for armed in self._armed.iterdir()}

    def disarm(self) -> None:
        """Disarm all points."""
        for armed in self._armed.iterdir():
            armed.unlink(missing_ok=True)

    def hits(self) -> list[FaultPointHit]:
        """Return the points that workers reached."""
        return [msgspec.json.decode(line, type=FaultPointHit) for line in self._hits.read_bytes().splitlines()]

    def take(self, point: str, worker: str) -> signal.Signals | None:
        """Return the signal for this worker and disarm the point; None if it is not armed."""
        try:
            name = (self._armed / point).read_text()
            (self._armed / point).unlink()
        except FileNotFoundError:
            return None
        with self._hits.open("ab") as hits:
            hits.write(msgspec.json.encode(FaultPointHit(point, worker, os.getpid(), name)) + b"\n")
        return signal.Signals[name]


def patch_factory(made: Any, change: Callable[[Any], Any]) -> None:
    """Change each new object of a provider before it is used."""
    make = made.last_overriding or made.providers["mysql"]
    made.override(providers.Callable(lambda *arguments, **named: change(make(*arguments, **named))))


class FaultPoints:
    """The fault points of one worker."""

    def __init__(self, worker: str, registry: FaultPointRegistry) -> None:
        self._worker, self._registry = worker, registry

    def instrument(self, application: Application, role: str) -> None:
        """Wrap the ports with points of this role."""
        match role:
            case "http":
                for context in ("fees", "students", "notifications", "inventory", "payments"):
                    patch_factory(getattr(application, context).new_work, self._work)
            case "relay":
                self._call(
                    application.messaging.outbox(), "mark_published", before="after_acknowledgement_before_delete"
                )
                self._produce_requests()
                self._publish_messages()
            case "consumer":
                patch_factory(application.messaging.new_inbox, self._inbox)
            case "scheduler":
                self._call(application.gateways.gateway_vendors("sandbox"), "refund", after="after_refund_before_row")
            case "dispatcher":
                adapters = application.settings().adapters
                vendors = [application.vendors.email_vendors(name) for name in adapters.email]
                vendors += [application.vendors.sms_vendors(name) for name in adapters.sms]
                for vendor in vendors:
                    self._call(vendor, "send", after="after_acceptance_before_row")

    def reached(self, point: str) -> None:
        """Send the signal of the point, if it is armed."""
        if (number := self._registry.take(point, self._worker)) is not None:
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
        """Wrap the connection of the client: no port distinguishes a sent record from an acknowledged one."""
        send = aiokafka.conn.AIOKafkaConnection.send

        def watched(connection: Any, request: Any, expect_response: bool = True) -> Any:
            sent = send(connection, request, expect_response)
            point = "after_send_before_acknowledgement"
            if not type(request).__name__.startswith("ProduceRequest"):
                return sent
            if (number := self._registry.take(point, self._worker)) is None:
                return sent
            # The loop writes later; until then the acknowledgement must not be processed.
            asyncio.get_running_loop().call_later(0.005, os.kill, os.getpid(), number)
            return asyncio.get_running_loop().create_future() if number is signal.SIGKILL else sent

        aiokafka.conn.AIOKafkaConnection.send = watched

    def _publish_messages(self) -> None:
        """Wrap the channel of RabbitMQ's client in the same way."""
        publish = aiormq.channel.Channel.basic_publish

        async def watched(channel: Any, *arguments: Any, **named: Any) -> Any:
            point = "after_send_before_acknowledgement"
            if (number := self._registry.take(point, self._worker)) is None:
                return await publish(channel, *arguments, **named)
            sent = asyncio.create_task(publish(channel, *arguments, **named))
            asyncio.get_running_loop().call_later(0.005, os.kill, os.getpid(), number)
            return await (asyncio.get_running_loop().create_future() if number is signal.SIGKILL else sent)

        aiormq.channel.Channel.basic_publish = watched  # type: ignore[method-assign]
