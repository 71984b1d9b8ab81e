"""Hand due deliveries to the vendors."""

import asyncio
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals, wait_for_any
from core.kernel.trace import current_trace
from core.notifications.adaptive_poller import MAX_POLL_INTERVAL_SECONDS, AdaptivePoller
from core.notifications.attempt_log import AttemptLog, AttemptOutcome
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.errors import OutcomeUnknown, Rejected, Unwordable, VendorUnavailable
from core.notifications.in_flight import BATCH_WINDOW_SECONDS, SAVE_RETRY_INTERVAL_SECONDS, InFlightDeliveries
from core.notifications.messages import Accepted, Contact, Email, Sms
from core.notifications.ports import (
    DELIVERIES_STORED,
    Contacts,
    DueDeliveries,
    NewNotificationsWork,
    Templates,
    VendorChannel,
)
from core.notifications.rendering import render_message

INITIAL_RETRY_DELAY = timedelta(seconds=1)
MAX_RETRY_DELAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class DispatchDeliveries:
    """Send what is due on one channel, with no transaction open while a vendor is asked.

    Nothing is taken in hand that the vendors have no room for: a kill leaves little behind, a vendor that hangs fills
    no memory, and while all vendors rest nothing is touched.
    """

    new_work: NewNotificationsWork
    queue: DueDeliveries
    contacts: Contacts
    templates: Templates
    email: VendorChannel[Email]
    sms: VendorChannel[Sms]
    journal: AttemptLog
    signals: Signals
    clock: Clock
    lease: timedelta
    """Longer than twice what any call of a vendor with its retries may take."""

    async def __call__(self, channel: Channel, stop: asyncio.Event | None = None) -> int:
        """Return how many deliveries were taken in hand; all of them are settled or postponed.

        Go on until `stop` is set, or without it until nothing is due.  Soon after `stop` calls are cut short: those
        a vendor may have heard become unknown, the others wait.
        """
        run_until_stopped, stop = stop is not None, stop or asyncio.Event()
        async with InFlightDeliveries(
            self._save, math.inf if run_until_stopped else self.lease.total_seconds()
        ) as hand:
            taken = await self._claim_continuously(channel, hand, stop, run_until_stopped=run_until_stopped)
            if stop.is_set():
                await hand.drain()
        return taken

    async def _claim_continuously(
        self, channel: Channel, hand: InFlightDeliveries, stop: asyncio.Event, *, run_until_stopped: bool
    ) -> int:
        vendor_channel: VendorChannel[Email] | VendorChannel[Sms] = self.sms if channel is Channel.SMS else self.email
        taken, poller = 0, AdaptivePoller()
        while not stop.is_set():
            bell, moved = self.signals.listen(DELIVERIES_STORED), hand.bell
            room = vendor_channel.room() if hand.has_capacity else 0
            found = await self._poll(channel, room, hand, poller) if room and poller.due else 0
            taken += found
            if not len(hand) and (hand.failure or not (run_until_stopped or found)):
                break
            await wait_for_any(
                bell, moved, stop, seconds=poller.due_in if room else vendor_channel.rest() or MAX_POLL_INTERVAL_SECONDS
            )
            if bell.is_set():
                poller.poll_immediately()
            if moved.is_set():
                await asyncio.sleep(
                    BATCH_WINDOW_SECONDS
                )  # others are about to end: one transaction takes the next for them all
        return taken

    async def _poll(self, channel: Channel, room: int, hand: InFlightDeliveries, poller: AdaptivePoller) -> int:
        """Take what is due and return how much; when the database is away, what is in hand comes first."""
        try:
            wait = 0.0 if poller.has_more else await self._seconds_until_due(channel)
            found = 0 if wait else await self._claim(channel, room, hand)
        except Unavailable:
            if not len(hand):
                raise
            wait, found = SAVE_RETRY_INTERVAL_SECONDS, 0
        poller.note(found, room, wait)
        return found

    async def _seconds_until_due(self, channel: Channel) -> float:
        due = await self.queue.next_due_at(channel)
        return MAX_POLL_INTERVAL_SECONDS if due is None else max((due - self.clock.now()).total_seconds(), 0.0)

    async def _claim(self, channel: Channel, room: int, hand: InFlightDeliveries) -> int:
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
                hand.release(claimed, now)
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
            delivery.postpone(self._retry_at(delivery, outage.retry_after), str(outage))
        except asyncio.CancelledError:
            delivery.postpone(self.clock.now(), "")
        except Exception as defect:  # of ours: whether the message left, nobody knows
            delivery.settle(DeliveryState.UNKNOWN, f"{type(defect).__name__}: {defect}")
        attempts = self.journal.take(delivery.id)
        if delivery.state is DeliveryState.PENDING and any(each.outcome is AttemptOutcome.UNKNOWN for each in attempts):
            delivery.settle(DeliveryState.UNKNOWN, "we stopped while a vendor was asked")
        delivery.note(*attempts)
        return delivery

    async def _send(self, delivery: Delivery, contact: Contact | None) -> Accepted | None:
        message = render_message(delivery, contact, self.templates)
        if message is None:
            return None
        return await (self.sms.send(message) if isinstance(message, Sms) else self.email.send(message))

    def _retry_at(self, delivery: Delivery, retry_after: float | None) -> datetime:
        """Return when to try again: full jitter under a doubling ceiling, never before the vendor said."""
        ceiling = min(INITIAL_RETRY_DELAY * (1 << min(delivery.attempts, 16)), MAX_RETRY_DELAY)
        wait = timedelta(seconds=retry_after or 0) + ceiling * random.random()  # noqa: S311 - spreads load only
        return self.clock.now() + wait

    async def _save(self, deliveries: Sequence[Delivery]) -> None:
        async with self.new_work() as work:
            await work.deliveries.save(deliveries)
            await work.commit()
