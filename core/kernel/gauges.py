"""The port of figures that change without a call, as the connections in use."""

from abc import abstractmethod
from typing import Protocol


class Gauges(Protocol):
    """Metrics of one adapter that a process brings up to date every few seconds."""

    @abstractmethod
    async def refresh(self) -> None:
        """Read what they show; raise `Unavailable`."""
