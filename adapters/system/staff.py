"""Adds the contacts of staff, which the settings name, to those of the roster and of accounts."""

from collections.abc import Collection, Mapping

from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts


class StaffContacts(Contacts):
    """Finds staff in the settings, and other recipients where the first of `others` knows them."""

    def __init__(self, staff: Mapping[RecipientId, Contact], *others: Contacts) -> None:
        self._staff, self._others = staff, others

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        found: dict[RecipientId, Contact | UnreadableContact]
        found = {each: contact for each, contact in self._staff.items() if each in recipients}
        for other in self._others:
            if missing := [each for each in recipients if each not in found]:
                found |= await other.of(missing)
        return found
