"""The port of the id generator."""

from abc import abstractmethod
from typing import Protocol
from uuid import UUID


class Ids(Protocol):
    """The source of new ids."""

    @abstractmethod
    def new(self) -> UUID:
        """Return a new UUIDv7; later ids sort after earlier ones."""
