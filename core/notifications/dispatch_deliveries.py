"""Dispatch deliveries."""

import asyncio
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.signals import Signals, wait_for_any
from core.kernel.trace import current_trace
from core.kernel.vendor_errors import OutcomeUnknown, Rejected
from core.notifications.adaptive_poller import MAX_POLL_INTERVAL_SECONDS, AdaptivePoller
from core.notifications.attempt_log import AttemptLog, AttemptOutcome
from core.notifications.delivery import FINAL_STATES, Channel, Delivery, DeliveryState
from core.notifications.errors import (
    AlreadyReported,
    RecipientNotAllowed,
    RecipientUnavailable,
    UnreadableContact,
    Unwordable,
)
from core.notifications.in_flight import BATCH_WINDOW_SECONDS, SAVE_RETRY_INTERVAL_SECONDS, InFlightDeliveries
from core.notifications.messages import Accepted, Contact, Email, Sms
from core.notifications.ports import (
    DELIVERIES_STORED,
    Contacts,
    DueDeliveries,
    NewNotificationsWork,
    ReportedDeliveries,
    Templates,
    VendorChannel,
)
from core.notifications.rendering import LateFacts, render_message

INITIAL_RETRY_DELAY, MAX_RETRY_DELAY = timedelta(seconds=1), timedelta(minutes=10)
INITIAL_RECIPIENT_DELAY, MAX_RECIPIENT_DELAY = timedelta(minutes=1), timedelta(hours=1)
"""For a full mailbox or greylisting; RFC 5321 section 4.5.4.1 asks for half an hour in the long run."""


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class DispatchDeliveries:
    """Send due deliveries of one channel; no transaction is open during a vendor call.

    A delivery is claimed only when a vendor has capacity for it: a kill leaves few deliveries in flight, a vendor that
    hangs fills no memory, and no delivery is claimed while all breakers are open.
    """

    new_work: NewNotificationsWork
    due_deliveries: DueDeliveries
    reported_deliveries: ReportedDeliveries
    contacts: Contacts
    templates: Templates
    late_facts: LateFacts
    email: VendorChannel[Email]
    sms: VendorChannel[Sms]
    attempt_log: AttemptLog
    signals: Signals
    clock: Clock
    leases: Mapping[Channel, timedelta]
    """The duration of a claim: longer than the longest vendor call with its retries."""

    async def __call__(self, channel: Channel, stop: asyncio.Event | None = None) -> int:
        """Return the number of claimed deliveries, of which each is settled or postponed.

        Runs until `stop` is set, or without `stop` until no delivery is due.  After `stop`, vendor calls are cancelled
        when their grace period ends: a delivery that may have reached a vendor becomes unknown, others become pending.
        """
        run_until_stopped, stop = stop is not None, stop or asyncio.Event()
        async with InFlightDeliveries(
            self._save, math.inf if run_until_stopped else self.leases[channel].total_seconds()
        ) as in_flight:
            claimed = await self._claim_continuously(channel, in_flight, stop, run_until_stopped=run_until_stopped)
            if stop.is_set():
                await in_flight.drain()
        return claimed

    async def _claim_continuously(
        self, channel: Channel, in_flight: InFlightDeliveries, stop: asyncio.Event, *, run_until_stopped: bool
    ) -> int:
        vendor_channel: VendorChannel[Email] | VendorChannel[Sms] = self.sms if channel is Channel.SMS else self.email
        claimed, poller = 0, AdaptivePoller()
        while not stop.is_set():
            stored, changed = self.signals.listen(DELIVERIES_STORED), in_flight.changed
            capacity = vendor_channel.capacity() if in_flight.has_capacity else 0
            found = await self._poll(channel, capacity, in_flight, poller) if capacity and poller.due else 0
            claimed += found
            if not len(in_flight) and (in_flight.failure or not (run_until_stopped or found)):
                break
            seconds = poller.due_in if capacity else vendor_channel.cooldown_seconds() or MAX_POLL_INTERVAL_SECONDS
            await wait_for_any(stored, changed, stop, seconds=seconds)
            if stored.is_set():
                poller.poll_immediately()
            if changed.is_set():
                await asyncio.sleep(BATCH_WINDOW_SECONDS)  # so that one transaction claims for several ended calls
        return claimed

    async def _poll(
        self, channel: Channel, capacity: int, in_flight: InFlightDeliveries, poller: AdaptivePoller
    ) -> int:
        """Claim due deliveries and return their number; 0 if the database is unavailable while others are in flight."""
        try:
            wait = 0.0 if poller.has_more else await self._seconds_until_due(channel)
            found = 0 if wait else await self._claim(channel, capacity, in_flight)
        except Unavailable:
            if not len(in_flight):
                raise
            wait, found = SAVE_RETRY_INTERVAL_SECONDS, 0
        poller.record_poll(found, capacity, wait)
        return found

    async def _seconds_until_due(self, channel: Channel) -> float:
        due = await self.due_deliveries.next_due_at(channel)
        return MAX_POLL_INTERVAL_SECONDS if due is None else max((due - self.clock.now()).total_seconds(), 0.0)

    async def _claim(self, channel: Channel, capacity: int, in_flight: InFlightDeliveries) -> int:
        now = self.clock.now()
        async with self.new_work() as work:
            claimed = await work.deliveries.claim(channel, now, now + self.leases[channel], capacity)
            if not claimed:
                return 0
            # Before the commit, so that an unavailable roster undoes the claim.
            contacts = await self.contacts.of({delivery.recipient for delivery in claimed})
            try:
                await work.commit()
            except Unavailable:  # the commit may have taken effect, but no vendor was called
                in_flight.release(claimed, now)
                raise
        for delivery in claimed:
            in_flight.start(self._deliver(delivery, contacts.get(delivery.recipient)))
        return len(claimed)

    async def _deliver(self, delivery: Delivery, contact: Contact | UnreadableContact | None) -> Delivery:
        current_trace.set(delivery.trace)  # only in this task
        try:
            if await self._send(delivery, contact) is None:
                delivery.settle(DeliveryState.SUPPRESSED, f"no {delivery.channel} address")
            else:
                delivery.settle(DeliveryState.SENT)
        except (Rejected, Unwordable) as refusal:
            delivery.settle(DeliveryState.REJECTED, str(refusal))
        except OutcomeUnknown as doubt:
            delivery.settle(DeliveryState.UNKNOWN, str(doubt))
        except AlreadyReported as report:
            delivery.settle(DeliveryState.SENT, str(report))
        except Unavailable as outage:  # of the vendor or the recipient, or of the database before a call
            delivery.postpone(self._retry_at(delivery, outage), str(outage))
        except asyncio.CancelledError:
            delivery.postpone(self.clock.now(), "")
        except Exception as defect:  # a defect in this process: the message may have been sent
            delivery.settle(DeliveryState.UNKNOWN, f"{type(defect).__name__}: {defect}")
        if delivery.state in FINAL_STATES:
            delivery.due_at = self.clock.now()
        attempts = self.attempt_log.pop(delivery.id)
        if delivery.state is DeliveryState.PENDING and any(each.outcome is AttemptOutcome.UNKNOWN for each in attempts):
            delivery.settle(DeliveryState.UNKNOWN, "the dispatcher stopped during a vendor call")
        delivery.record_attempts(*attempts)
        return delivery

    async def _send(self, delivery: Delivery, contact: Contact | UnreadableContact | None) -> Accepted | None:
        message = await render_message(delivery, contact, self.templates, self.late_facts)
        if message is None:
            return None
        message = replace(message, still_claimed=partial(self._still_claimed, delivery))
        return await (self.sms.send(message) if isinstance(message, Sms) else self.email.send(message))

    async def _still_claimed(self, delivery: Delivery) -> bool:
        """Return whether no vendor has the message; nothing is known before the first call."""
        if not delivery.attempts and not self.attempt_log.has_attempts(delivery.id):
            return True
        return not await self.reported_deliveries.among([delivery.id])

    def _retry_at(self, delivery: Delivery, outage: Unavailable) -> datetime:
        """Return the next attempt: jitter below a doubling ceiling, never before the vendor's `retry_after`."""
        jitter = random.random()  # noqa: S311 - spreads load only
        if isinstance(outage, RecipientUnavailable):
            repaired_by_us = isinstance(outage, RecipientNotAllowed)
            first, longest = INITIAL_RECIPIENT_DELAY, MAX_RETRY_DELAY if repaired_by_us else MAX_RECIPIENT_DELAY
            jitter = (1 + jitter) / 2
        else:
            first, longest = INITIAL_RETRY_DELAY, MAX_RETRY_DELAY
        wait = min(first * (1 << min(delivery.attempts, 16)), longest) * jitter
        return self.clock.now() + timedelta(seconds=outage.retry_after or 0) + wait

    async def _save(self, deliveries: Sequence[Delivery]) -> None:
        async with self.new_work() as work:
            await work.deliveries.save(deliveries)
            await work.commit()
