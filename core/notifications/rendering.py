"""Rendering of a delivery with the current templates, contact and secret."""

from collections.abc import Mapping
from uuid import UUID

from core.notifications.delivery import Channel, Delivery
from core.notifications.errors import UnreadableContact, Unwordable
from core.notifications.messages import Contact, Email, Sms
from core.notifications.ports import SecretFacts, Templates

SECRET = "secret"  # noqa: S105 - the name of a fact
"""The fact that names a one-time secret by its id: its text is in no delivery, and is read when a message is made."""


async def render_message(
    delivery: Delivery, contact: Contact | UnreadableContact | None, templates: Templates, secret_facts: SecretFacts
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
    facts = {**delivery.facts, **await known_secret(delivery, secret_facts), "name": contact.name}
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


async def known_secret(delivery: Delivery, secret_facts: SecretFacts) -> Mapping[str, str]:
    """Return what the secret of a delivery adds to its facts; raise `Unwordable` if that is gone."""
    if SECRET not in delivery.facts:
        return {}
    found = await secret_facts.find(UUID(delivery.facts[SECRET]))
    if found is None:
        raise Unwordable("its code or link was used or has expired")
    return found
