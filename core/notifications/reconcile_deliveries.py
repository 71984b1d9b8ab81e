"""Reconcile deliveries."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.vendor_errors import OutcomeUnknown
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.errors import NobodyToAsk, UnreadableContact, Worthless
from core.notifications.messages import Contact
from core.notifications.outcome_lookup import OutcomeLookup
from core.notifications.ports import Contacts, NewNotificationsWork
from core.notifications.status_reports import DeliveryStatus, StatusReport, VendorReport

MAX_CONCURRENT_LOOKUPS = 8
MIN_LOOKUP_INTERVAL, MAX_LOOKUP_INTERVAL = timedelta(minutes=1), timedelta(hours=1)
LookupAnswer = VendorReport | OutcomeUnknown | Worthless | None
"""A vendor's report, why the outcome stays unknown or is not needed, or None if certainly no vendor has the message."""


@dataclass(frozen=True, slots=True)
class InDoubtDelivery:
    """A delivery that is claimed for a lookup, with its attempts and contact."""

    delivery: Delivery
    attempts: Sequence[Attempt]
    contact: Contact | UnreadableContact | None


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class ReconcileDeliveries:
    """Determine the outcome of unknown deliveries by status queries; after a timeout leave it to a person."""

    new_work: NewNotificationsWork
    contacts: Contacts
    outcome_lookup: OutcomeLookup
    clock: Clock
    leases: Mapping[Channel, timedelta]
    """The duration of a claim for sending."""
    absent_after: timedelta
    """The delay after which a vendor's records contain each message that it accepted."""
    person_after: timedelta
    """The age at which a delivery becomes undecided."""
    batch: int = 50

    async def __call__(self) -> Mapping[DeliveryStatus, int]:
        """Return the number of deliveries by determined status."""
        learnt: Counter[DeliveryStatus] = Counter()
        while cases := await self._claim():
            turns = asyncio.Semaphore(MAX_CONCURRENT_LOOKUPS)
            ends = await asyncio.gather(*(self._resolve(case, turns) for case in cases), return_exceptions=True)
            learnt.update(end for end in ends if isinstance(end, DeliveryStatus))
            for end in ends:
                if isinstance(end, BaseException):
                    raise end  # the database is unavailable; the next lookup follows when their claim has expired
        return learnt

    async def _claim(self) -> Sequence[InDoubtDelivery]:
        now = self.clock.now()
        until = now + self.outcome_lookup.deadline * self.batch + MIN_LOOKUP_INTERVAL
        async with self.new_work() as work:
            due = await work.in_doubt_deliveries.due(now, self.batch)
            for delivery in due:
                delivery.claim_for_lookup(delivery.due_at - self.leases[delivery.channel], until)
                await work.in_doubt_deliveries.save(delivery)
            attempts = [await work.in_doubt_deliveries.attempts(delivery.id) for delivery in due]
            contacts = await self.contacts.of({delivery.recipient for delivery in due}) if due else {}
            await work.commit()
        return [
            InDoubtDelivery(each, made, contacts.get(each.recipient)) for each, made in zip(due, attempts, strict=True)
        ]

    async def _resolve(self, case: InDoubtDelivery, turns: asyncio.Semaphore) -> DeliveryStatus | None:
        async with turns:
            answer = await self._ask(case)
            async with self.new_work() as work:
                delivery = await work.in_doubt_deliveries.find(case.delivery.id)
                if delivery is None:
                    return None
                learnt = self._apply_answer(delivery, case.delivery, answer)
                await work.in_doubt_deliveries.save(delivery)
                await work.commit()
        return learnt

    async def _ask(self, case: InDoubtDelivery) -> LookupAnswer:
        until = in_doubt_since(case.delivery) + self.leases[case.delivery.channel]
        try:
            return await self.outcome_lookup.find(case.delivery, case.attempts, case.contact, until)
        except (OutcomeUnknown, Worthless) as answer:
            return answer
        except Exception as defect:  # a defect in this process or in a template proves nothing
            return OutcomeUnknown(f"{type(defect).__name__}: {defect}")

    def _apply_answer(self, delivery: Delivery, claimed: Delivery, answer: LookupAnswer) -> DeliveryStatus | None:
        now = self.clock.now()
        if isinstance(answer, VendorReport):
            return answer.learnt if delivery.apply_report(answer, now) else None
        if delivery.state is not DeliveryState.UNKNOWN or delivery.due_at != claimed.due_at:
            return None  # it was settled meanwhile, or claimed by another process after this claim expired
        if isinstance(answer, Worthless):
            delivery.drop(str(answer), now)
            return None
        age = now - in_doubt_since(delivery)
        if answer is None and now >= self._absent_at(delivery):
            delivery.resolve(
                DeliveryState.PENDING, StatusReport(at=now, learnt=DeliveryStatus.ABSENT, detail="no vendor has it")
            )
            return DeliveryStatus.ABSENT
        if age >= self.person_after:
            detail = str(answer or "no vendor has it yet")
            delivery.resolve(
                DeliveryState.UNDECIDED, StatusReport(at=now, learnt=DeliveryStatus.UNDECIDED, detail=detail)
            )
            return DeliveryStatus.UNDECIDED
        delivery.due_at = self._next_lookup_at(delivery, now, answer)
        return None

    def _next_lookup_at(self, delivery: Delivery, now: datetime, answer: LookupAnswer) -> datetime:
        """Return the next lookup: after half the age of the doubt, and at the times when a decision is possible."""
        final = in_doubt_since(delivery) + self.person_after
        if isinstance(answer, NobodyToAsk):
            return final
        pause = min(max((now - in_doubt_since(delivery)) / 2, MIN_LOOKUP_INTERVAL), MAX_LOOKUP_INTERVAL)
        decisive = [each for each in (self._absent_at(delivery), final) if each > now]
        return min(now + pause, *decisive)

    def _absent_at(self, delivery: Delivery) -> datetime:
        """Return when a message that no vendor lists was certainly not accepted."""
        return in_doubt_since(delivery) + self.leases[delivery.channel] + self.absent_after


def in_doubt_since(delivery: Delivery) -> datetime:
    """Return when the doubt about a delivery began that is claimed for a lookup."""
    return delivery.in_doubt_since or delivery.due_at
