"""A consumer as the composition root makes it, over dictionaries."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from adapters.memory.database import Store
from config.container import Application
from config.settings import Adapters, Settings
from core.kernel.errors import Unavailable
from core.messaging.message import Message
from entrypoints.messages.consumer import Consumer
from entrypoints.messages.route import Route, RouteKey
from entrypoints.messages.routes import routes
from tests.examples import StoppedClock, a_message, a_schedule, a_student, enrol, ids, publish

SCHEDULE, REGISTRATION = "sahyadri-test", "T-1"


class Office:
    """A fee office that takes messages in, and what an outsider can see of their effects."""

    def __init__(self) -> None:
        self.application = Application(settings=Settings(adapters=Adapters(persistence="memory")))
        self.clock = StoppedClock()
        self.application.driven.clock.override(self.clock)
        self.use_cases = self.application.use_cases().providers
        self.store: Store = self.application.driven.store()
        self.routes = dict(routes(self.use_cases))
        self.consume = self.consumer()

    def consumer(
        self, more: Mapping[RouteKey, Route] | None = None, max_per_transaction: Mapping[RouteKey, int] | None = None
    ) -> Consumer:
        return Consumer(
            self.application.driven.new_inbox, self.routes | (more or {}), self.clock, ids, max_per_transaction or {}
        )

    async def open(self) -> "Office":
        await publish(self.application, a_schedule(SCHEDULE))
        await enrol(self.application, a_student(1), a_student(2))
        return self

    @property
    def submitted(self) -> list[str]:
        """Return the registrations of those who have submitted."""
        return [each.registration for each in self.store.submissions.values()]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [msgspec.json.decode(each.body) for each in self.store.events.values() if each.type == kind]

    @property
    def dead_letters(self) -> dict[str, str]:
        """Return why each message was buried, by its type."""
        return {letter.type: f"{letter.reason}: {letter.detail}" for letter, _ in self.store.dead_letters.values()}

    async def refuse_once(self, consumer: Consumer, *messages: Message) -> None:
        """Deliver messages that must come again."""
        refused = True
        with suppress(Unavailable):
            await consumer(messages)
            refused = False
        assert refused, "the messages were taken in"


def a_command(registration: str = REGISTRATION, schedule: str = SCHEDULE, **more: Any) -> Message:
    """Return a wish to sit an exam, as it arrives from elsewhere."""
    return a_raw_command({"schedule": schedule, "registration": registration, **more})


def a_raw_command(body: Mapping[str, Any] | bytes, kind: str = "SubmitExamFee") -> Message:
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return a_message(type=kind, context="fees.commands", body=encoded, subject=ids.new())
