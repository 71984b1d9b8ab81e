"""Ask vendors what became of a message."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.notifications.attempt_log import Attempt, AttemptOutcome
from core.notifications.delivery import Channel, Delivery
from core.notifications.errors import NobodyToAsk, OutcomeUnknown, VendorUnavailable
from core.notifications.messages import Contact, Email, Sms
from core.notifications.ports import SentMessages, Templates
from core.notifications.rendering import render_message
from core.notifications.status_reports import VendorReport

SentMessagesByVendor = Mapping[str, SentMessages[Any] | None]
"""The vendors of a channel; None for one that cannot be asked."""


@dataclass(frozen=True, slots=True)
class OutcomeLookup:
    """Asks whoever may have taken a message, and nobody else."""

    records: Mapping[Channel, SentMessagesByVendor]
    templates: Templates
    deadline: timedelta

    async def about(
        self, delivery: Delivery, attempts: Sequence[Attempt], contact: Contact | None, until: datetime
    ) -> VendorReport | None:
        """Return what became of it, None if certainly nobody has it; raise `OutcomeUnknown` if that stays open."""
        asked, records = vendors_in_doubt(delivery, attempts), self.records[delivery.channel]
        names = asked or list(records)  # whoever sent it died without a word: it may have been any of them
        if not any(records.get(name) for name in names):
            raise NobodyToAsk(f"{' and '.join(names)} cannot be asked what became of it")
        message = render_message(delivery, contact, self.templates)
        if message is None:
            raise OutcomeUnknown(f"the recipient has no {delivery.channel} address any more to ask for")
        doubts = []
        for name in names:
            try:
                if report := await self._ask(name, records.get(name), message, delivery.in_doubt_since or until, until):
                    return report
            except (OutcomeUnknown, VendorUnavailable) as doubt:
                doubts.append(str(doubt))
        if doubts:
            raise OutcomeUnknown("; ".join(doubts))
        return None

    async def _ask(
        self, name: str, record: SentMessages[Any] | None, message: Email | Sms, since: datetime, until: datetime
    ) -> VendorReport | None:
        if record is None:
            raise NobodyToAsk(f"{name} cannot be asked")
        try:
            async with asyncio.timeout(self.deadline.total_seconds()):
                return await record.find(message, since, until)
        except TimeoutError as error:
            raise VendorUnavailable(f"{name} did not answer in time") from error


def vendors_in_doubt(delivery: Delivery, attempts: Sequence[Attempt]) -> list[str]:
    """Return the vendors that did not answer since the delivery was taken in hand for the last time."""
    since = delivery.in_doubt_since
    doubts = [
        each for each in attempts if each.outcome is AttemptOutcome.UNKNOWN and (since is None or each.at >= since)
    ]
    return list(dict.fromkeys(each.vendor for each in doubts))
