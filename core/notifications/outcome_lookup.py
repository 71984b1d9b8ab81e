"""The lookup of a delivery's outcome in the records of the vendors."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, Delivery
from core.notifications.errors import NobodyToAsk, UnreadableContact
from core.notifications.messages import Contact, Email, Sms
from core.notifications.ports import SentMessages, Templates
from core.notifications.rendering import LateFacts, render_message
from core.notifications.status_reports import DeliveryStatus, VendorReport, best_of

SentMessagesByVendor = Mapping[str, SentMessages[Any] | None]
"""The vendors of a channel; None for one without status queries."""


@dataclass(frozen=True, slots=True)
class OutcomeLookup:
    """Queries the vendors that may have accepted a message."""

    records: Mapping[Channel, SentMessagesByVendor]
    templates: Templates
    late_facts: LateFacts
    deadline: timedelta

    async def find(
        self,
        delivery: Delivery,
        attempts: Sequence[Attempt],
        contact: Contact | UnreadableContact | None,
        until: datetime,
    ) -> VendorReport | None:
        """Return a vendor's report, None if certainly no vendor has the message; raise `OutcomeUnknown`.

        Raises `Worthless` for a message that is not sent again whatever a vendor has.
        """
        message = await render_message(delivery, contact, self.templates, self.late_facts)
        called, records = vendors_in_doubt(delivery, attempts), self.records[delivery.channel]
        names = called or list(records)  # the sender died before it stored an attempt: any vendor may have it
        if not any(records.get(name) for name in names):
            raise NobodyToAsk(f"{' and '.join(names)} cannot be queried for the outcome")
        if message is None:
            raise OutcomeUnknown(f"the recipient has no {delivery.channel} address any more to query for")
        doubts, reports = [], list[VendorReport]()
        for name in names:
            try:
                if report := await self._ask(name, records.get(name), message, delivery.in_doubt_since or until, until):
                    reports.append(report)
            except (OutcomeUnknown, VendorUnavailable) as doubt:
                doubts.append(str(doubt))
        best = best_of(reports) if reports else None
        if doubts and (best is None or best.learnt is DeliveryStatus.BOUNCED):  # another vendor may have delivered it
            raise OutcomeUnknown("; ".join(doubts))
        return best

    async def _ask(
        self, name: str, record: SentMessages[Any] | None, message: Email | Sms, since: datetime, until: datetime
    ) -> VendorReport | None:
        if record is None:
            raise NobodyToAsk(f"{name} cannot be queried")
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return await record.find(message, since, until)
        except TimeoutError as error:
            raise VendorUnavailable(f"{name} did not answer in time") from error


def vendors_in_doubt(delivery: Delivery, attempts: Sequence[Attempt]) -> list[str]:
    """Return the vendors whose calls since the last claim ended without a known outcome."""
    since = delivery.in_doubt_since
    doubts = [
        each for each in attempts if each.outcome is AttemptOutcome.UNKNOWN and (since is None or each.at >= since)
    ]
    return list(dict.fromkeys(each.vendor for each in doubts))
