"""Recipients of notices to staff."""

from uuid import NAMESPACE_URL, uuid5

from core.notifications.delivery import RecipientId

INVENTORY_STAFF = RecipientId(uuid5(NAMESPACE_URL, "urn:bursar:staff:stores"))
"""The recipient of notices about inventory; stored deliveries refer to it, so its value must not change."""
