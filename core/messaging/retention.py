"""How long we remember what came to us."""

from abc import abstractmethod
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class RetainedRecords(StrEnum):
    """Something we may forget when it is old enough."""

    REQUESTS = "requests"
    """Idempotency keys with their answers."""
    INBOX = "inbox"
    """Ids of messages that have taken effect."""


class Retention(Protocol):
    """Somebody who can forget."""

    @abstractmethod
    async def forget(self, memory: RetainedRecords, before: datetime, limit: int) -> int:
        """Forget up to `limit` of the oldest from before this moment, and return how many."""
