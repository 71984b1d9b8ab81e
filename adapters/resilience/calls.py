"""What a chain guards: calls of a vendor, and the calls that send messages among them."""

from abc import abstractmethod
from typing import Protocol, TypeVar

from core.notifications.messages import Email, Sms

M = TypeVar("M", bound=Email | Sms)
Q = TypeVar("Q", contravariant=True)
A = TypeVar("A", covariant=True)


class Caller(Protocol[Q, A]):
    """Calls a vendor; a `Sender` is one, whose requests are messages."""

    @abstractmethod
    async def send(self, request: Q, /) -> A:
        """Return the answer of the vendor."""
