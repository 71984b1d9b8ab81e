"""A post room over dictionaries, and vendors that do as they are told."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from adapters.memory.database import Store, Transaction
from adapters.memory.deliveries import MemoryDueDeliveries
from adapters.memory.students import MemoryContacts
from adapters.memory.unit_of_work import MemoryUnitOfWork
from core.kernel.errors import Conflict, Unavailable
from core.kernel.signals import Signals
from core.notifications.attempt_log import Attempt, AttemptLog, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState, Notice, RecipientId
from core.notifications.dispatch_deliveries import DispatchDeliveries
from core.notifications.errors import OutcomeUnknown, Unwordable
from core.notifications.expire_claims import ExpireClaims
from core.notifications.messages import Accepted, DeliveryId, Email, EmailContent, Sms
from core.notifications.ports import Templates, VendorChannel
from core.notifications.send_notice import SendNotice
from core.notifications.vendor_standing import VendorStanding
from core.students.student import Enrolment, Student
from core.students.student import StudentId as RosterId
from tests.examples import StoppedClock, ids

M = TypeVar("M", Email, Sms)
Answer = BaseException | asyncio.Event | None
CLAIM_DURATION = timedelta(minutes=2)


@dataclass
class StubVendor(VendorChannel[M], Generic[M]):
    """A vendor that answers each address in turn as it is told, and accepts what it was told nothing about."""

    journal: AttemptLog
    clock: StoppedClock
    rings: "asyncio.Queue[None]"

    def __post_init__(self) -> None:
        self.asked: list[M] = []
        self.places = 1_000
        self.rests = 0.0
        self._answers: defaultdict[str, list[Answer]] = defaultdict(list)

    def will_answer(self, address: str, *answers: Answer) -> None:
        """Raise these errors, or accept after these events."""
        self._answers[address] += answers

    def room(self) -> int:
        return self.places

    def rest(self) -> float:
        return self.rests

    def standings(self) -> Sequence[VendorStanding]:
        return []

    async def send(self, message: M) -> Accepted:
        self.asked.append(message)
        self.rings.put_nowait(None)
        self.places -= 1
        try:
            return await self._answer(message)
        finally:
            self.places += 1

    async def _answer(self, message: M) -> Accepted:
        answers = self._answers[message.to]
        answer = answers.pop(0) if answers else None
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        if isinstance(answer, BaseException):
            unknown = isinstance(answer, OutcomeUnknown)
            self._note(message, AttemptOutcome.UNKNOWN if unknown else AttemptOutcome.UNAVAILABLE, str(answer))
            raise answer
        self._note(message, AttemptOutcome.ACCEPTED, f"id-{len(self.asked)}")
        return Accepted("vendor", f"id-{len(self.asked)}")

    def _note(self, message: M, outcome: AttemptOutcome, detail: str) -> None:
        attempt = Attempt(at=self.clock.now(), vendor="vendor", outcome=outcome, detail=detail)
        self.journal.note(message.delivery, attempt)


class StubEmailVendor(StubVendor[Email]):
    """A vendor of e-mails."""


class StubSmsVendor(StubVendor[Sms]):
    """A vendor of text messages."""


class StubTemplates(Templates):
    """Words for `fee_submitted` alone."""

    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> EmailContent:
        words = self.sms(template, language, facts)
        return EmailContent(subject=words, text=words, html=words)

    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        if template != "fee_submitted":
            raise Unwordable(f"{template} in {language}: there is no such template")
        return f"{facts['name']} ({language}): {facts['reference']}"


class RejectingTransaction(Transaction):
    """A transaction that takes no end of one delivery."""

    def __init__(self, unstorable: DeliveryId | None) -> None:
        super().__init__()
        self._unstorable = unstorable

    def put(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        if isinstance(value, Delivery) and value.state is DeliveryState.SENT and key == self._unstorable:
            raise Conflict("this one never ends")
        super().put(table, key, value)


class NotificationsHarness:
    """Every use case of the notifications context, and what an outsider can see of their effects."""

    def __init__(self) -> None:
        self.store, self.clock, self.journal = Store(), StoppedClock(), AttemptLog()
        self.rings: asyncio.Queue[None] = asyncio.Queue()
        self.email = StubEmailVendor(self.journal, self.clock, self.rings)
        self.sms = StubSmsVendor(self.journal, self.clock, self.rings)
        self.signals = Signals()
        self.away = 0
        """How many of the next transactions the database refuses."""
        self.unstorable: DeliveryId | None = None
        """What becomes of this one, the database never takes."""
        self.notify = SendNotice(self.new_work, self.clock, ids)
        self.dispatch = DispatchDeliveries(
            new_work=self.new_work,
            queue=MemoryDueDeliveries(self.store),
            signals=self.signals,
            contacts=MemoryContacts(self.store),
            templates=StubTemplates(),
            email=self.email,
            sms=self.sms,
            journal=self.journal,
            clock=self.clock,
            lease=CLAIM_DURATION,
        )
        self.abandon = ExpireClaims(self.new_work, self.clock)

    def new_work(self) -> MemoryUnitOfWork:
        return MemoryUnitOfWork(self.store, lambda _: self.rings.put_nowait(None), StoppedClock(), ids, self._begin)

    async def enrol(self, number: int = 1, **changes: Any) -> RecipientId:
        given: dict[str, Any] = {"email": f"asha.{number}@example.org", "phone": f"+9198{number:08}"} | changes
        enrolment = Enrolment(registration=f"T-{number}", name=f"Asha {number}", category="general", **given)
        student = Student(id=RosterId(ids.new()), enrolment=enrolment)
        async with self.new_work() as work:
            work.students.put(student)
            await work.commit()
        return RecipientId(student.id)

    async def add_delivery(
        self, *recipients: RecipientId, channel: Channel = Channel.EMAIL, template: str = "fee_submitted"
    ) -> list[DeliveryId]:
        """Owe each one message on one channel."""
        owed = []
        async with self.new_work() as work:
            for recipient in recipients:
                delivery = Delivery(
                    id=DeliveryId(ids.new()),
                    notice=ids.new(),
                    about=ids.new(),
                    recipient=recipient,
                    channel=channel,
                    template=template,
                    facts={"reference": "BF-1"},
                    due_at=self.clock.now(),
                )
                work.deliveries.add(delivery)
                owed.append(delivery.id)
            await work.commit()
        return owed

    def delivery(self, delivery: DeliveryId) -> Delivery:
        return replace(self.store.deliveries[delivery])

    def state(self, delivery: DeliveryId) -> str:
        return str(self.store.deliveries[delivery].state)

    def attempts(self, delivery: DeliveryId) -> list[str]:
        return [attempt.detail for attempt in self.store.attempts.get(delivery, ())]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Watch commits, calls of vendors and refusals of the database until something holds."""
        async with asyncio.timeout(5):
            while not holds():
                await self.rings.get()

    @asynccontextmanager
    async def _begin(self) -> Any:
        if self.away:
            self.away -= 1
            self.rings.put_nowait(None)
            raise Unavailable("the database is away")
        async with self.store.lock:
            yield RejectingTransaction(self.unstorable)


def a_notice(recipient: RecipientId, notice: UUID | None = None) -> Notice:
    return Notice(
        notice=notice or ids.new(),
        about=ids.new(),
        recipient=recipient,
        template="fee_submitted",
        facts={"reference": "BF-1"},
    )
