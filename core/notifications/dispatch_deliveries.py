"""Hand due deliveries to the vendors."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.journal import Journal
from core.notifications.ports import (
    Accepted,
    Email,
    EmailSender,
    OutcomeUnknown,
    Rejected,
    Sms,
    SmsSender,
    Templates,
    VendorUnavailable,
)
from core.notifications.work import Contact, Contacts, NewNotificationsWork
from core.shared.clock import Clock

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=10)


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
    lease: timedelta = timedelta(minutes=2)
    """Longer than any call of a vendor with its retries may take."""
    batch: int = 100

    async def __call__(self, channel: Channel) -> int:
        """Return how many deliveries were taken in hand; all of them are settled or postponed."""
        now = self.clock.now()
        async with self.new_work() as work:
            claimed = await work.deliveries.claim(channel, now, now + self.lease, self.batch)
            await work.commit()
        if not claimed:
            return 0
        contacts = await self.contacts.of({delivery.student for delivery in claimed})
        pending = {asyncio.create_task(self._deliver(each, contacts.get(each.student))) for each in claimed}
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            await self._save([task.result() for task in done])
        return len(claimed)

    async def _deliver(self, delivery: Delivery, contact: Contact | None) -> Delivery:
        try:
            if await self._send(delivery, contact) is None:
                delivery.settle(DeliveryState.SUPPRESSED, f"no {delivery.channel} address")
            else:
                delivery.settle(DeliveryState.SENT)
        except Rejected as refusal:
            delivery.settle(DeliveryState.REJECTED, str(refusal))
        except OutcomeUnknown as silence:
            delivery.settle(DeliveryState.UNKNOWN, str(silence))
        except VendorUnavailable as outage:
            delivery.postpone(self._later(delivery, outage.retry_after), str(outage))
        delivery.note(*self.journal.take(delivery.id))
        return delivery

    async def _send(self, delivery: Delivery, contact: Contact | None) -> Accepted | None:
        if contact is None:
            return None
        facts = {**delivery.facts, "name": contact.name}
        if delivery.channel is Channel.SMS:
            if not contact.phone:
                return None
            text = self.templates.sms(delivery.template, contact.language, facts)
            return await self.sms.send(Sms(delivery=delivery.id, to=contact.phone, text=text))
        if not contact.email:
            return None
        letter = self.templates.email(delivery.template, contact.language, facts)
        return await self.email.send(
            Email(
                delivery=delivery.id, to=contact.email, subject=letter.subject, text=letter.text, html=letter.html
            )
        )

    def _later(self, delivery: Delivery, retry_after: float | None) -> datetime:
        """Return when to try again: full jitter under a doubling ceiling, never before the vendor said."""
        ceiling = min(FIRST_DELAY * (1 << min(delivery.attempts, 16)), LONGEST_DELAY)
        wait = timedelta(seconds=retry_after or 0) + ceiling * random.random()  # noqa: S311 - spreads load only
        return self.clock.now() + wait

    async def _save(self, deliveries: Sequence[Delivery]) -> None:
        async with self.new_work() as work:
            await work.deliveries.save(deliveries)
            await work.commit()
