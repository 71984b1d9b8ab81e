"""The port of health checks."""

from abc import abstractmethod
from typing import Protocol


class Probe(Protocol):
    """The health check of one dependency."""

    name: str
    essential: bool = True
    """Whether the process is not ready while the dependency fails."""
    remedy: str
    """What an operator should do when the check fails."""

    @abstractmethod
    async def check(self) -> str:
        """Return a short description of the dependency, or raise `Unavailable` with the cause."""
