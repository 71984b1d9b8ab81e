"""Hand due deliveries to the vendors."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.errors import OutcomeUnknown, Rejected, Unwordable, VendorUnavailable
from core.notifications.journal import Journal, Outcome
from core.notifications.messages import Accepted, Contact, Sms
from core.notifications.ports import Contacts, EmailSender, NewNotificationsWork, SmsSender, Templates
from core.notifications.wording import worded
from core.shared.clock import Clock
from core.shared.errors import Unavailable
from core.shared.trace import current_trace

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)
LAST_WORDS = 1.0
"""Seconds that calls of vendors have to end when we stop."""


@dataclass(frozen=True, slots=True)
class DispatchDeliveries:
    """Send what is due on one channel, with no transaction open while a vendor is asked."""

    new_work: NewNotificationsWork
    contacts: Contacts
    templates: Templates
    email: EmailSender
    sms: SmsSender
    journal: Journal
    clock: Clock
    lease: timedelta
    """Longer than any call of a vendor with its retries may take."""
    batch: int = 100

    async def __call__(self, channel: Channel, stop: asyncio.Event | None = None) -> int:
        """Return how many deliveries were taken in hand; all of them are settled or postponed.

        Soon after `stop` is set calls are cut short: those a vendor may have heard become unknown, the others wait.
        """
        now = self.clock.now()
        async with self.new_work() as work:
            claimed = await work.deliveries.claim(channel, now, now + self.lease, self.batch)
            if not claimed:
                return 0
            # Before the commit: when the roster is away, nothing has been taken in hand.
            contacts = await self.contacts.of({delivery.student for delivery in claimed})
            await work.commit()
        under_way = {asyncio.create_task(self._deliver(each, contacts.get(each.student))) for each in claimed}
        ended = asyncio.create_task((stop or asyncio.Event()).wait())
        try:
            await self._settle(under_way, ended)
        finally:
            ended.cancel()
        return len(claimed)

    async def _settle(self, pending: set[asyncio.Task[Delivery]], ended: asyncio.Task[Literal[True]]) -> None:
        """Store what became of each as soon as it is known; what cannot be stored must not hold up the others."""
        outage: Unavailable | None = None
        while pending:
            await asyncio.wait({*pending, ended}, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                await cut_short(pending)
            done = {task for task in pending if task.done()}
            pending -= done
            try:
                await self._save([task.result() for task in done])
            except Unavailable as error:
                outage = error
        if outage is not None:
            raise outage

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


async def cut_short(calls: set[asyncio.Task[Delivery]]) -> None:
    """Give calls a moment to end, and end those that do not."""
    await asyncio.wait(calls, timeout=LAST_WORDS)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)
