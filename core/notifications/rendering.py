"""Rendering of a delivery with the current templates and contact."""

from core.notifications.delivery import Channel, Delivery
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact, Email, Sms
from core.notifications.ports import Templates


def render_message(
    delivery: Delivery, contact: Contact | UnreadableContact | None, templates: Templates
) -> Email | Sms | None:
    """Return the message, None if the recipient has no address; raise `Unwordable` or `UnreadableContact`."""
    if isinstance(contact, UnreadableContact):
        raise contact
    if contact is None:
        return None
    until = min(delivery.due_at, delivery.expires_at or delivery.due_at)
    facts = {**delivery.facts, "name": contact.name}
    if delivery.channel is Channel.SMS:
        if not contact.phone:
            return None
        text = templates.sms(delivery.template, contact.language, facts)
        return Sms(delivery=delivery.id, to=contact.phone, text=text, until=until)
    if not contact.email:
        return None
    content = templates.email(delivery.template, contact.language, facts)
    return Email(
        delivery=delivery.id,
        to=contact.email,
        subject=content.subject,
        text=content.text,
        html=content.html,
        until=until,
    )
