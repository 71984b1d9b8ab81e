"""The consumer as the container creates it, over memory adapters."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import msgspec

from adapters.memory.engine.database import MemoryDatabase
from core.kernel.errors import Unavailable
from core.messaging.message import Message
from core.messaging.routing import Route, RouteKey
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.examples import StoppedClock, a_message, a_schedule, a_student, enrol, ids, publish

SCHEDULE, REGISTRATION = "sahyadri-test", "T-1"


class ConsumerHarness:
    """A consumer, and queries of the effects of its messages."""

    def __init__(self) -> None:
        self.application = an_application()
        self.clock = StoppedClock()
        self.application.process.clock.override(self.clock)
        self.use_cases = self.application.use_cases()
        self.store: MemoryDatabase = self.application.storage.memory()
        self.consume = self.consumer()

    def consumer(
        self, more: Mapping[RouteKey, Route] | None = None, max_per_transaction: Mapping[RouteKey, int] | None = None
    ) -> Consumer:
        limits = ROUTES.max_per_transaction if max_per_transaction is None else max_per_transaction
        routes = replace(ROUTES, table={**ROUTES.table, **(more or {})}, max_per_transaction=limits)
        return Consumer(self.application.messaging.new_inbox, routes, self.use_cases)

    async def open(self) -> "ConsumerHarness":
        await publish(self.application, a_schedule(SCHEDULE))
        await enrol(self.application, a_student(1), a_student(2))
        return self

    @property
    def submitted(self) -> list[str]:
        """Return the registrations with a submission."""
        return [each.registration for each in self.store.submissions.values()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(each.body) for each in self.store.events.values() if each.type == kind]

    @property
    def dead_letters(self) -> dict[str, str]:
        """Return the reason of each dead letter, by type of message."""
        return {letter.type: f"{letter.reason}: {letter.detail}" for letter, _ in self.store.dead_letters.values()}

    async def refuse_once(self, consumer: Consumer, *messages: Message) -> None:
        """Deliver messages that must be delivered again."""
        refused = True
        with suppress(Unavailable):
            await consumer(messages)
            refused = False
        assert refused, "the messages were processed"


def a_command(registration: str = REGISTRATION, schedule: str = SCHEDULE, **more: Any) -> Message:
    """Return the body of a `SubmitExamFee` command."""
    return a_raw_command({"schedule": schedule, "registration": registration, **more})


def a_raw_command(body: Mapping[str, Any] | bytes, kind: str = "SubmitExamFee") -> Message:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return a_message(type=kind, context="fees.commands", body=encoded, subject=ids.new())
