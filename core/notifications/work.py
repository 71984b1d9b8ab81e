"""What the notifications context needs from the database."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.notifications.delivery import Channel, Delivery, StudentId
from core.shared.unit_of_work import UnitOfWork

DELIVERIES = "deliveries"
"""The signal that rings when deliveries were stored in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How to reach a student today."""

    name: str
    email: str
    phone: str
    language: str


class Contacts(Protocol):
    """The roster, as far as whoever writes to students may look into it."""

    @abstractmethod
    async def of(self, students: Collection[StudentId]) -> Mapping[StudentId, Contact]:
        """Return the contacts of those who are on the roster."""


class Deliveries(Protocol):
    """Every message we owe somebody or have sent."""

    @abstractmethod
    def add(self, delivery: Delivery) -> None:
        """Remember a new delivery."""

    @abstractmethod
    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Take the pending deliveries longest due out of everybody else's reach, and mark them as sending."""

    @abstractmethod
    async def save(self, deliveries: Sequence[Delivery]) -> None:
        """Store the state of deliveries, and the attempts they have made."""

    @abstractmethod
    async def abandoned(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return deliveries whose sender has not come back in time."""


class NotificationsWork(UnitOfWork, Protocol):
    """A unit of work over deliveries."""

    deliveries: Deliveries


NewNotificationsWork = Callable[[], NotificationsWork]
