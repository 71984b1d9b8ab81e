"""The use cases of the notifications context over memory adapters and stub vendors."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase, Scope, UndoLog, insert_all
from adapters.memory.identity.one_time_secrets import MemorySecretFacts
from adapters.memory.notifications.deliveries import MemoryDueDeliveries, MemoryReportedDeliveries
from adapters.memory.payments.owed_fees import MemoryOwedFees
from adapters.memory.students.roster import MemoryContacts
from adapters.tokens.secret_box import DerivedSecretBox
from core.kernel.errors import Conflict, Unavailable
from core.kernel.signals import Signals
from core.kernel.unit_of_work import Transaction
from core.kernel.vendor_errors import OutcomeUnknown
from core.notifications.attempt_log import Attempt, AttemptLog, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState, Notice, RecipientId
from core.notifications.dispatch_deliveries import DispatchDeliveries
from core.notifications.errors import Unwordable
from core.notifications.expire_claims import ExpireClaims
from core.notifications.expire_deliveries import ExpireDeliveries
from core.notifications.messages import Accepted, DeliveryId, Email, EmailContent, Sms
from core.notifications.ports import Templates, VendorChannel
from core.notifications.rendering import LateFacts
from core.notifications.send_notice import SendNotice
from core.notifications.vendor_standing import VendorStanding
from core.students.student import Enrolment, Student
from core.students.student import StudentId as RosterId
from tests.examples import StoppedClock, ids
from tests.units_of_work import memory_work

M = TypeVar("M", Email, Sms)
Answer = BaseException | asyncio.Event | None
CLAIM_DURATION, LIFETIME = timedelta(minutes=2), timedelta(hours=72)


@dataclass
class StubVendor(VendorChannel[M], Generic[M]):
    """A vendor that returns the prepared answers of an address in order, and accepts all other messages."""

    attempt_log: AttemptLog
    clock: StoppedClock
    rings: "asyncio.Queue[None]"

    def __post_init__(self) -> None:
        self.asked: list[M] = []
        self.places = 1_000
        self.rests = 0.0
        self._answers: defaultdict[str, list[Answer]] = defaultdict(list)

    def will_answer(self, address: str, *answers: Answer) -> None:
        """Prepare answers: an error is raised, an event is awaited before the message is accepted."""
        self._answers[address] += answers

    def capacity(self) -> int:
        return self.places

    def cooldown_seconds(self) -> float:
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
        self.attempt_log.record(message.delivery, attempt)


class StubEmailVendor(StubVendor[Email]):
    """A stub e-mail vendor."""


class StubSmsVendor(StubVendor[Sms]):
    """A stub vendor of text messages."""


class StubTemplates(Templates):
    """Templates for `fee_submitted` only."""

    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> EmailContent:
        words = self.sms(template, language, facts)
        return EmailContent(subject=words, text=words, html=words)

    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        if template != "fee_submitted":
            raise Unwordable(f"{template} in {language}: there is no such template")
        return f"{facts['name']} ({language}): {facts['reference']}"


class RejectingUndoLog(UndoLog):
    """Refuses to store that one delivery was sent."""

    def __init__(self, unstorable: DeliveryId | None) -> None:
        super().__init__()
        self._unstorable = unstorable

    def put(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        if isinstance(value, Delivery) and value.state is DeliveryState.SENT and key == self._unstorable:
            raise Conflict("this one never ends")
        super().put(table, key, value)


class NotificationsHarness:
    """Each use case of the notifications context, and queries of its effects."""

    def __init__(self) -> None:
        self.store, self.clock, self.attempt_log = MemoryDatabase(), StoppedClock(), AttemptLog()
        self.rings: asyncio.Queue[None] = asyncio.Queue()
        self.email = StubEmailVendor(self.attempt_log, self.clock, self.rings)
        self.sms = StubSmsVendor(self.attempt_log, self.clock, self.rings)
        self.signals = Signals()
        secrets = MemorySecretFacts(self.store, DerivedSecretBox("of these tests"), self.clock)
        self.late_facts = LateFacts(secrets, MemoryOwedFees(self.store))
        self.away = 0
        """The number of next transactions that the database refuses."""
        self.unstorable: DeliveryId | None = None
        """The delivery whose outcome the database cannot store."""
        self.notify = SendNotice(self.new_work, self.clock, ids, LIFETIME)
        self.dispatch = DispatchDeliveries(
            new_work=self.new_work,
            due_deliveries=MemoryDueDeliveries(self.store),
            reported_deliveries=MemoryReportedDeliveries(self.store),
            signals=self.signals,
            contacts=MemoryContacts(self.store),
            templates=StubTemplates(),
            late_facts=self.late_facts,
            email=self.email,
            sms=self.sms,
            attempt_log=self.attempt_log,
            clock=self.clock,
            leases=dict.fromkeys(Channel, CLAIM_DURATION),
        )
        self.abandon = ExpireClaims(self.new_work, self.clock)
        self.expire = ExpireDeliveries(self.new_work, self.clock)

    def new_work(self, *, within: Transaction | None = None) -> Any:
        return memory_work(self.store, StoppedClock(), ids, within=within or FailingDatabase(self))

    async def enrol(self, number: int = 1, **changes: Any) -> RecipientId:
        given: dict[str, Any] = {"email": f"asha.{number}@example.org", "phone": f"+9198{number:08}"} | changes
        enrolment = Enrolment(registration=f"T-{number}", name=f"Asha {number}", category="general", **given)
        student = Student(id=RosterId(ids.new()), enrolment=enrolment)
        async with self.new_work() as work:
            is_new = not await work.students.lock([f"t-{number}"])
            (work.students.add if is_new else work.students.replace)(student)
            await work.commit()
        return RecipientId(student.id)

    async def add_delivery(
        self, *recipients: RecipientId, channel: Channel = Channel.EMAIL, template: str = "fee_submitted", **facts: str
    ) -> list[DeliveryId]:
        """Add a pending delivery for each recipient on one channel."""
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
                    facts={"reference": "BF-1"} | facts,
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
        """Wait until a condition holds, and check it after each commit, vendor call and refused transaction."""
        async with asyncio.timeout(5):
            while not holds():
                await self.rings.get()


class FailingDatabase(Transaction):
    """The database of a harness: it refuses transactions while it is away, and one delivery for good."""

    def __init__(self, harness: NotificationsHarness) -> None:
        self._harness = harness

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Scope]:
        harness = self._harness
        if harness.away:
            harness.away -= 1
            harness.rings.put_nowait(None)
            raise Unavailable("the database is away")
        async with harness.store.lock:
            yield Scope(RejectingUndoLog(harness.unstorable), insert_all, lambda _: harness.rings.put_nowait(None))


def a_notice(recipient: RecipientId, notice: UUID | None = None) -> Notice:
    return Notice(
        notice=notice or ids.new(),
        about=ids.new(),
        recipient=recipient,
        template="fee_submitted",
        facts={"reference": "BF-1"},
    )
