"""Identity, as the core is given it."""

from abc import abstractmethod
from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """Somebody who names new things."""

    @abstractmethod
    def new(self) -> UUID:
        """Return an id nobody has: a UUIDv7, later ones sorting after earlier ones."""
