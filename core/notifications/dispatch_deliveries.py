"""Hand due deliveries to the vendors."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.errors import OutcomeUnknown, Rejected, Unwordable, VendorUnavailable
from core.notifications.hand import GATHER, PAUSE, Hand
from core.notifications.journal import Journal, Outcome
from core.notifications.lookout import LONGEST, Lookout
from core.notifications.messages import Accepted, Contact, Email, Sms
from core.notifications.ports import DELIVERIES, Contacts, NewNotificationsWork, Outlet, Queue, Templates
from core.notifications.wording import worded
from core.shared.clock import Clock
from core.shared.errors import Unavailable
from core.shared.signals import Signals, first_of
from core.shared.trace import current_trace

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DispatchDeliveries:
    """Send what is due on one channel, with no transaction open while a vendor is asked.

    Nothing is taken in hand that the vendors have no room for: a kill leaves little behind, a vendor that hangs fills
    no memory, and while all vendors rest nothing is touched.
    """

    new_work: NewNotificationsWork
    queue: Queue
    contacts: Contacts
    templates: Templates
    email: Outlet[Email]
    sms: Outlet[Sms]
    journal: Journal
    signals: Signals
    clock: Clock
    lease: timedelta
    """Longer than twice what any call of a vendor with its retries may take."""

    async def __call__(self, channel: Channel, stop: asyncio.Event | None = None) -> int:
        """Return how many deliveries were taken in hand; all of them are settled or postponed.

        Go on until `stop` is set, or without it until nothing is due.  Soon after `stop` calls are cut short: those
        a vendor may have heard become unknown, the others wait.
        """
        for_ever, stop = stop is not None, stop or asyncio.Event()
        async with Hand(self._save, math.inf if for_ever else self.lease.total_seconds()) as hand:
            taken = await self._keep_taking(channel, hand, stop, for_ever=for_ever)
            if stop.is_set():
                await hand.cut_short()
        return taken

    async def _keep_taking(self, channel: Channel, hand: Hand, stop: asyncio.Event, *, for_ever: bool) -> int:
        outlet: Outlet[Email] | Outlet[Sms] = self.sms if channel is Channel.SMS else self.email
        taken, lookout = 0, Lookout()
        while not stop.is_set():
            bell, moved = self.signals.listen(DELIVERIES), hand.bell
            room = outlet.room() if hand.free else 0
            found = await self._look(channel, room, hand, lookout) if room and lookout.due else 0
            taken += found
            if not len(hand) and (hand.failure or not (for_ever or found)):
                break
            await first_of(bell, moved, stop, seconds=lookout.due_in if room else outlet.rest() or LONGEST)
            if bell.is_set():
                lookout.there_is_more()
            if moved.is_set():
                await asyncio.sleep(GATHER)  # others are about to end: one transaction takes the next for them all
        return taken

    async def _look(self, channel: Channel, room: int, hand: Hand, lookout: Lookout) -> int:
        """Take what is due and return how much; when the database is away, what is in hand comes first."""
        try:
            wait = 0.0 if lookout.sure else await self._due_in(channel)
            found = 0 if wait else await self._take(channel, room, hand)
        except Unavailable:
            if not len(hand):
                raise
            wait, found = PAUSE, 0
        lookout.note(found, room, wait)
        return found

    async def _due_in(self, channel: Channel) -> float:
        due = await self.queue.next_due(channel)
        return LONGEST if due is None else max((due - self.clock.now()).total_seconds(), 0.0)

    async def _take(self, channel: Channel, room: int, hand: Hand) -> int:
        now = self.clock.now()
        async with self.new_work() as work:
            claimed = await work.deliveries.claim(channel, now, now + self.lease, room)
            if not claimed:
                return 0
            # Before the commit: when the roster is away, nothing has been taken in hand.
            contacts = await self.contacts.of({delivery.recipient for delivery in claimed})
            try:
                await work.commit()
            except Unavailable:  # it may have taken effect all the same, and no vendor was asked
                hand.give_back(claimed, now)
                raise
        for delivery in claimed:
            hand.take(self._deliver(delivery, contacts.get(delivery.recipient)))
        return len(claimed)

    async def _deliver(self, delivery: Delivery, contact: Contact | None) -> Delivery:
        current_trace.set(delivery.trace)  # of this task alone
        try:
            if await self._send(delivery, contact) is None:
                delivery.settle(DeliveryState.SUPPRESSED, f"no {delivery.channel} address")
            else:
                delivery.settle(DeliveryState.SENT)
        except (Rejected, Unwordable) as refusal:
            delivery.settle(DeliveryState.REJECTED, str(refusal))
        except OutcomeUnknown as silence:
            delivery.settle(DeliveryState.UNKNOWN, str(silence))
        except VendorUnavailable as outage:
            delivery.postpone(self._later(delivery, outage.retry_after), str(outage))
        except asyncio.CancelledError:
            delivery.postpone(self.clock.now(), "")
        except Exception as defect:  # of ours: whether the message left, nobody knows
            delivery.settle(DeliveryState.UNKNOWN, f"{type(defect).__name__}: {defect}")
        attempts = self.journal.take(delivery.id)
        if delivery.state is DeliveryState.PENDING and any(each.outcome is Outcome.UNKNOWN for each in attempts):
            delivery.settle(DeliveryState.UNKNOWN, "we stopped while a vendor was asked")
        delivery.note(*attempts)
        return delivery

    async def _send(self, delivery: Delivery, contact: Contact | None) -> Accepted | None:
        message = worded(delivery, contact, self.templates)
        if message is None:
            return None
        return await (self.sms.send(message) if isinstance(message, Sms) else self.email.send(message))

    def _later(self, delivery: Delivery, retry_after: float | None) -> datetime:
        """Return when to try again: full jitter under a doubling ceiling, never before the vendor said."""
        ceiling = min(FIRST_DELAY * (1 << min(delivery.attempts, 16)), LONGEST_DELAY)
        wait = timedelta(seconds=retry_after or 0) + ceiling * random.random()  # noqa: S311 - spreads load only
        return self.clock.now() + wait

    async def _save(self, deliveries: Sequence[Delivery]) -> None:
        async with self.new_work() as work:
            await work.deliveries.save(deliveries)
            await work.commit()
