"""Find out what became of deliveries whose outcome is unknown."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.kernel.clock import Clock
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Delivery, DeliveryState
from core.notifications.errors import NobodyToAsk, OutcomeUnknown
from core.notifications.messages import Contact
from core.notifications.outcome_lookup import OutcomeLookup
from core.notifications.ports import Contacts, NewNotificationsWork
from core.notifications.status_reports import DeliveryStatus, StatusReport, VendorReport

MAX_CONCURRENT_LOOKUPS = 8
MIN_LOOKUP_INTERVAL, MAX_LOOKUP_INTERVAL = timedelta(minutes=1), timedelta(hours=1)
LookupAnswer = VendorReport | OutcomeUnknown | None
"""What a vendor says of a message, that nobody can say, or that certainly nobody has it."""


@dataclass(frozen=True, slots=True)
class InDoubtDelivery:
    """A delivery that was taken to be looked into, and what is known of it."""

    delivery: Delivery
    attempts: Sequence[Attempt]
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class ReconcileDeliveries:
    """Ask the vendors, with no transaction open meanwhile; what stays unknown for too long is left to a person."""

    new_work: NewNotificationsWork
    contacts: Contacts
    outcome_lookup: OutcomeLookup
    clock: Clock
    lease: timedelta
    """How long whoever sends a delivery may have it in hand."""
    absent_after: timedelta
    """By then every message a vendor took is in its records."""
    person_after: timedelta
    batch: int = 50

    async def __call__(self) -> Mapping[DeliveryStatus, int]:
        """Return how many were found, were absent and are pending again, and are left to a person."""
        learnt: Counter[DeliveryStatus] = Counter()
        while cases := await self._claim():
            turns = asyncio.Semaphore(MAX_CONCURRENT_LOOKUPS)
            ends = await asyncio.gather(*(self._resolve(case, turns) for case in cases), return_exceptions=True)
            learnt.update(end for end in ends if isinstance(end, DeliveryStatus))
            for end in ends:
                if isinstance(end, BaseException):
                    raise end  # the database is away; they are looked into again when their lease has run out
        return learnt

    async def _claim(self) -> Sequence[InDoubtDelivery]:
        now = self.clock.now()
        until = now + self.outcome_lookup.deadline * self.batch + MIN_LOOKUP_INTERVAL
        async with self.new_work() as work:
            due = await work.cases.due(now, self.batch)
            for delivery in due:
                delivery.claim_for_lookup(delivery.due_at - self.lease, until)
                await work.cases.save(delivery)
            attempts = [await work.cases.attempts(delivery.id) for delivery in due]
            contacts = await self.contacts.of({delivery.recipient for delivery in due}) if due else {}
            await work.commit()
        return [
            InDoubtDelivery(each, made, contacts.get(each.recipient)) for each, made in zip(due, attempts, strict=True)
        ]

    async def _resolve(self, case: InDoubtDelivery, turns: asyncio.Semaphore) -> DeliveryStatus | None:
        async with turns:
            answer = await self._ask(case)
            async with self.new_work() as work:
                delivery = await work.cases.find(case.delivery.id)
                if delivery is None:
                    return None
                learnt = self._apply_answer(delivery, case.delivery, answer)
                await work.cases.save(delivery)
                await work.commit()
        return learnt

    async def _ask(self, case: InDoubtDelivery) -> LookupAnswer:
        until = since(case.delivery) + self.lease
        try:
            return await self.outcome_lookup.about(case.delivery, case.attempts, case.contact, until)
        except OutcomeUnknown as doubt:
            return doubt
        except Exception as defect:  # of ours, or words that no longer fit: it proves nothing
            return OutcomeUnknown(f"{type(defect).__name__}: {defect}")

    def _apply_answer(self, delivery: Delivery, taken: Delivery, answer: LookupAnswer) -> DeliveryStatus | None:
        now = self.clock.now()
        if isinstance(answer, VendorReport):
            return answer.learnt if delivery.hear(answer, now) else None
        if delivery.state is not DeliveryState.UNKNOWN or delivery.due_at != taken.due_at:
            return None  # somebody settled it meanwhile, or took it up when our lease had run out
        age = now - since(delivery)
        if answer is None and age >= self.lease + self.absent_after:
            delivery.resolve(
                DeliveryState.PENDING, StatusReport(at=now, learnt=DeliveryStatus.ABSENT, detail="no vendor has it")
            )
            return DeliveryStatus.ABSENT
        if age >= self.person_after:
            told = str(answer or "no vendor has it yet")
            delivery.resolve(
                DeliveryState.UNDECIDED, StatusReport(at=now, learnt=DeliveryStatus.UNDECIDED, detail=told)
            )
            return DeliveryStatus.UNDECIDED
        delivery.due_at = self._next_lookup_at(delivery, now, answer)
        return None

    def _next_lookup_at(self, delivery: Delivery, now: datetime, answer: LookupAnswer) -> datetime:
        """Return when to look again: the rarer the longer it has been unknown, and in time for a decision."""
        last = since(delivery) + self.person_after
        if isinstance(answer, NobodyToAsk):
            return last
        pause = min(max((now - since(delivery)) / 2, MIN_LOOKUP_INTERVAL), MAX_LOOKUP_INTERVAL)
        decisive = [each for each in (since(delivery) + self.lease + self.absent_after, last) if each > now]
        return min(now + pause, *decisive)


def since(delivery: Delivery) -> datetime:
    """Return since when it has been in doubt, for one that was taken to be looked into."""
    return delivery.in_doubt_since or delivery.due_at
