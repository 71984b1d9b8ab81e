"""Adds the contacts of staff, which the settings name, to those of the roster."""

from collections.abc import Collection, Mapping

from core.notifications.delivery import RecipientId
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Contact
from core.notifications.ports import Contacts


class StaffContacts(Contacts):
    """Finds staff in the settings and other recipients on the roster."""

    def __init__(self, staff: Mapping[RecipientId, Contact], roster: Contacts) -> None:
        self._staff, self._roster = staff, roster

    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        staff = {each: contact for each, contact in self._staff.items() if each in recipients}
        others = [each for each in recipients if each not in staff]
        return {**staff, **(await self._roster.of(others) if others else {})}
