"""Rendering of a delivery with the current templates, contact and secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.notifications.delivery import Channel, Delivery
from core.notifications.errors import UnreadableContact, Worthless
from core.notifications.messages import Contact, Email, Sms
from core.notifications.ports import OwedFees, SecretFacts, Templates

SECRET = "secret"  # noqa: S105 - the name of a fact
"""The fact that names a one-time secret by its id: its text is in no delivery, and is read when a message is made."""

OWED_FEE = "owed_fee"
"""The fact that names a fee: what of it is owed is read when a message is made."""
INSTALMENT = "instalment"
"""The fact up to which of its instalments, by their numbers; absent: the first."""


@dataclass(frozen=True, slots=True)
class LateFacts:
    """What is read when a message is made, because it may have changed or is in no delivery."""

    secrets: SecretFacts
    owed_fees: OwedFees

    async def of(self, delivery: Delivery) -> Mapping[str, Any]:
        """Return what they add to the facts of a delivery; raise `Worthless`."""
        if secret := delivery.facts.get(SECRET):
            if (found := await self.secrets.find(UUID(secret))) is None:
                raise Worthless("its code or link was used or has expired")
            return found
        if fee := delivery.facts.get(OWED_FEE):
            if (owed := await self.owed_fees.find(UUID(fee), delivery.facts.get(INSTALMENT, 1))) is None:
                raise Worthless("the fee was paid meanwhile, or may be")
            return owed
        return {}


async def render_message(
    delivery: Delivery, contact: Contact | UnreadableContact | None, templates: Templates, late_facts: LateFacts
) -> Email | Sms | None:
    """Return the message, None if the recipient has no address; raise `Unwordable` or `UnreadableContact`."""
    if isinstance(contact, UnreadableContact):
        raise contact
    if contact is None:
        return None
    address = contact.phone if delivery.channel is Channel.SMS else contact.email
    if not address:
        return None
    until = min(delivery.due_at, delivery.expires_at or delivery.due_at)
    facts = {**delivery.facts, **await late_facts.of(delivery), "name": contact.name}
    if delivery.channel is Channel.SMS:
        text = templates.sms(delivery.template, contact.language, facts)
        return Sms(delivery=delivery.id, to=address, text=text, until=until)
    content = templates.email(delivery.template, contact.language, facts)
    return Email(
        delivery=delivery.id,
        to=address,
        subject=content.subject,
        text=content.text,
        html=content.html,
        until=until,
    )
