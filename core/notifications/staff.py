"""Who is told what concerns those who work here."""

from uuid import NAMESPACE_URL, uuid5

from core.notifications.delivery import RecipientId

INVENTORY_STAFF = RecipientId(uuid5(NAMESPACE_URL, "urn:bursar:staff:stores"))
"""Whoever is in charge of the stores; deliveries are stored under it, so it never changes."""
