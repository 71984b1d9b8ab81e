"""Requests that take effect once, however often they are sent."""

from abc import abstractmethod
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.shared.errors import Conflict, Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One wish of one caller, as it reached us."""

    arrived: datetime
    """When it reached us: deadlines are judged by this moment, not by when we found time for it."""
    scope: str = ""
    """Whose keys these are: the caller and the route."""
    key: str | None = None
    """The idempotency key; without one nothing is remembered."""
    fingerprint: bytes = b""
    """SHA-256 of the body, so that a key cannot be used for two different wishes."""


class RequestRepeated(Conflict):
    """This request took effect before."""


class RequestInProgress(Conflict):
    """The same request is being worked on at this moment; ask again in a second."""


class IdempotencyKeyReused(Invalid):
    """This idempotency key was used before, for a different body."""


class Answers(Protocol):
    """What requests were answered, for as long as a client may repeat them."""

    @abstractmethod
    async def to(self, request: Request) -> bytes | None:
        """Return the first answer, byte for byte, or None; raise `IdempotencyKeyReused`."""
