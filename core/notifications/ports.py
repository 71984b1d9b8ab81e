"""What the notifications context needs from the outside world."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from core.kernel.unit_of_work import UnitOfWork
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Channel, Delivery, RecipientId
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliverySummary
from core.notifications.messages import Accepted, Contact, DeliveryId, Email, EmailContent, Sms
from core.notifications.status_reports import VendorReport
from core.notifications.vendor_standing import VendorStanding

DELIVERIES_STORED = "deliveries"
"""The signal that rings when deliveries were stored in this process."""

M = TypeVar("M", contravariant=True)


class Sender(Protocol[M]):
    """Somebody who delivers messages of one kind."""

    @abstractmethod
    async def send(self, message: M) -> Accepted:
        """Hand the message over; raise `Rejected`, `VendorUnavailable` or `OutcomeUnknown`."""


class EmailSender(Sender[Email], Protocol):
    """Somebody who sends e-mails."""


class SmsSender(Sender[Sms], Protocol):
    """Somebody who sends text messages."""


class SentMessages(Protocol[M]):
    """What a vendor knows of the messages it took."""

    @abstractmethod
    async def find(self, message: M, since: datetime, until: datetime) -> VendorReport | None:
        """Return what became of a message that was handed over in this time, None if it certainly never arrived.

        Raises `VendorUnavailable`, or `OutcomeUnknown` where the vendor's records leave it open.
        """


class VendorReports(Protocol):
    """What a vendor tells us by itself."""

    @abstractmethod
    def read(self, delivery: DeliveryId, fields: Sequence[tuple[str, str]], signature: str) -> VendorReport:
        """Return what it says of a delivery; raise `ForgedReport`, or `Invalid` where it says nothing."""


class VendorChannel(Sender[M], Protocol[M]):
    """All vendors of one channel, who bear only so much at a time."""

    @abstractmethod
    def room(self) -> int:
        """Return how many more messages they would take right now."""

    @abstractmethod
    def rest(self) -> float:
        """Return in how many seconds the first of them may be asked again; 0 when one is asked already."""

    @abstractmethod
    def standings(self) -> Sequence[VendorStanding]:
        """Return how we stand with each."""


class VendorStandings(Protocol):
    """What every process says of the vendors."""

    @abstractmethod
    async def tell(self, standings: Sequence[VendorStanding]) -> None:
        """Replace what the process that they name has said, and forget what is older than an hour."""

    @abstractmethod
    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        """Return what was said from this moment on, by channel, vendor and process."""


class Templates(Protocol):
    """Somebody who finds the words, in English where a language is missing."""

    @abstractmethod
    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> EmailContent:
        """Word an e-mail, or raise `Unwordable`."""

    @abstractmethod
    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        """Word a text message, or raise `Unwordable`."""


class Contacts(Protocol):
    """How people can be reached: who works here, and the roster, as far as we may look into it."""

    @abstractmethod
    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact]:
        """Return the contacts of those who are known."""


class Deliveries(Protocol):
    """Every message we owe somebody or have sent."""

    @abstractmethod
    def add(self, delivery: Delivery) -> None:
        """Remember a new delivery, unless its notice has one on the same channel: that one stays as it is."""

    @abstractmethod
    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Take the pending deliveries longest due out of everybody else's reach, and mark them as sending."""

    @abstractmethod
    async def save(self, deliveries: Sequence[Delivery]) -> None:
        """Store what became of deliveries that are still in our hand, and the attempts they have made.

        One that somebody else took meanwhile stays as it is, unless we know that a vendor has accepted it.
        """

    @abstractmethod
    async def expired_claims(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return deliveries whose sender has not come back in time."""


class InDoubtDeliveries(Protocol):
    """Deliveries, for whoever looks into what became of them."""

    @abstractmethod
    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return unknown deliveries that should be looked into, out of everybody else's reach until this work ends."""

    @abstractmethod
    async def find(self, delivery: DeliveryId) -> Delivery | None:
        """Return a delivery, and keep everybody else from changing it until this work ends."""

    @abstractmethod
    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        """Return every call of a vendor that was made for it."""

    @abstractmethod
    async def save(self, delivery: Delivery) -> None:
        """Store the state of a delivery that was found here, and what was learnt of it."""


class DeliveryList(Protocol):
    """Deliveries, for people who look at them."""

    @abstractmethod
    async def find(self, search: DeliveryFilter, after: DeliveryCursor | None, limit: int) -> Sequence[DeliverySummary]:
        """Return those that match, the longest due first, only ones behind a place if that is given."""


class DueDeliveries(Protocol):
    """Deliveries that wait, seen without a transaction."""

    @abstractmethod
    async def next_due_at(self, channel: Channel) -> datetime | None:
        """Return when the first of them is or was due, if there is one."""


class NotificationsWork(UnitOfWork, Protocol):
    """A unit of work over deliveries."""

    deliveries: Deliveries
    cases: InDoubtDeliveries


NewNotificationsWork = Callable[[], NotificationsWork]
