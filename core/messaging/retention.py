"""The retention of idempotency keys, inbox ids, webhooks, sessions and what leads to one."""

from abc import abstractmethod
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class RetainedRecords(StrEnum):
    """Records that are purged after their retention."""

    REQUESTS = "requests"
    """Idempotency keys with their answers."""
    INBOX = "inbox"
    """Ids of processed messages."""
    SIGN_INS = "sign-ins"
    """Sign-ins whose persons did not come back from their identity providers."""
    SESSIONS = "sessions"
    """Sessions, by the moment when they expire."""
    LINKS = "links"
    """One-time links that set passwords, by the moment when they expire; the passwords stay."""
    SECRETS = "one-time-secrets"
    """One-time codes and links, from the moment when they expire."""
    WEBHOOKS = "webhooks"
    """The bytes that payment gateways sent; what they told stays."""


class Retention(Protocol):
    """Deletes expired records."""

    @abstractmethod
    async def purge(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        """Delete up to `limit` of the oldest records from before this moment and return their number."""
