"""Reads the contacts in the settings by the same rule as those of the roster."""

from dataclasses import replace

from config.container.providers import lazy_imports
from config.sections.office import Students
from config.sections.section import Misconfigured
from config.settings import Settings
from core.kernel.errors import Invalid
from core.notifications.delivery import RecipientId
from core.notifications.mailbox import Mailbox
from core.notifications.messages import Contact
from core.notifications.staff import INVENTORY_STAFF

with lazy_imports():
    from adapters.contacts.parser import InternationalContactParser


def check_contacts(settings: Settings) -> None:
    """Raise `Misconfigured` for a contact that cannot be sent to or from."""
    if settings.students != Students():  # a check that loads the library of telephone numbers
        country = settings.students.country
        try:
            InternationalContactParser(country).check_country()
        except Invalid as fault:
            raise misconfigured("students.country", country, fault) from fault
    staff_contacts(settings)
    for setting, text in (("smtp.sender", settings.smtp.sender), ("ses.sender", settings.ses.sender)):
        sender(text, setting)


def sender(text: str, setting: str) -> Mailbox:
    """Return the mailbox that e-mails come from, with its domain in ASCII; raise `Misconfigured`."""
    try:
        mailbox = Mailbox.parse(text)
        return replace(mailbox, address=InternationalContactParser("").email(mailbox.address))
    except Invalid as fault:
        raise misconfigured(setting, text, fault) from fault


def staff_contacts(settings: Settings) -> dict[RecipientId, Contact]:
    """Return the contacts of recipients that are not on the roster; raise `Misconfigured`."""
    staff, parser = settings.inventory, InternationalContactParser(settings.students.country)
    found = {"email": staff.email, "phone": staff.phone}
    for channel, read in (("email", parser.email), ("phone", parser.phone)):
        try:
            found[channel] = read(found[channel]) if found[channel] else ""
        except Invalid as fault:
            raise misconfigured(f"inventory.{channel}", found[channel], fault) from fault
    return {INVENTORY_STAFF: Contact(name=staff.name, language=staff.language, **found)}


def misconfigured(setting: str, text: str, fault: Invalid) -> Misconfigured:
    """Return the error for a contact in the settings."""
    return Misconfigured(f"{setting} {text[:80]!r} {fault} - at `$.{setting}`")
