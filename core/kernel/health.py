"""Whether what we depend on is there."""

from abc import abstractmethod
from typing import Protocol


class Probe(Protocol):
    """A question to one dependency."""

    name: str
    essential: bool = True
    """Whether requests had better be sent elsewhere while it is away."""
    remedy: str
    """What a person should do when it does not answer."""

    @abstractmethod
    async def check(self) -> str:
        """Return what was found in a few words, or raise `Unavailable` saying what is wrong."""
