"""The ports of the notifications context."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Channel, Delivery, RecipientId
from core.notifications.delivery_list import DeliveryCursor, DeliveryFilter, DeliveryGroup, DeliverySummary
from core.notifications.errors import UnreadableContact
from core.notifications.messages import Accepted, Contact, DeliveryId, Email, EmailContent, Sms
from core.notifications.status_reports import VendorReport
from core.notifications.vendor_standing import VendorStanding

DELIVERIES_STORED = "deliveries"
"""The signal that a process sends after it stored deliveries."""

M = TypeVar("M", contravariant=True)


class Sender(Protocol[M]):
    """Sends messages of one channel."""

    @abstractmethod
    async def send(self, message: M) -> Accepted:
        """Send a message; raise `Rejected`, `RecipientUnavailable`, `VendorUnavailable` or `OutcomeUnknown`."""


class EmailSender(Sender[Email], Protocol):
    """Sends e-mails."""


class SmsSender(Sender[Sms], Protocol):
    """Sends text messages."""


class SentMessages(Protocol[M]):
    """A vendor's records of the messages that it accepted."""

    @abstractmethod
    async def find(self, message: M, since: datetime, until: datetime) -> VendorReport | None:
        """Return the report of a message that was sent in this period, None if the vendor certainly did not accept it.

        Raises `VendorUnavailable`, or `OutcomeUnknown` if the records are inconclusive.
        """


class VendorReports(Protocol):
    """Reports that a vendor sends by callback."""

    @abstractmethod
    def read(self, delivery: DeliveryId, fields: Sequence[tuple[str, str]], signature: str) -> VendorReport:
        """Parse a report of a delivery; raise `ForgedReport`, or `Invalid` if it contains no status."""


class VendorChannel(Sender[M], Protocol[M]):
    """All vendors of one channel, with limited concurrency."""

    @abstractmethod
    def capacity(self) -> int:
        """Return how many more messages the vendors accept now."""

    @abstractmethod
    def cooldown_seconds(self) -> float:
        """Return the seconds until the first vendor may be called; 0 if one may be now."""

    @abstractmethod
    def standings(self) -> Sequence[VendorStanding]:
        """Return the standing of this process with each vendor."""


class VendorStandings(Protocol):
    """The repository of the standings that all processes publish."""

    @abstractmethod
    async def publish(self, standings: Sequence[VendorStanding]) -> None:
        """Replace the standings of the processes in `standings`, and delete those older than an hour."""

    @abstractmethod
    async def since(self, moment: datetime) -> Sequence[VendorStanding]:
        """Return the standings published at or after a moment, by channel, vendor and process."""


class Templates(Protocol):
    """Renders templates, in English if a language is missing."""

    @abstractmethod
    def email(self, template: str, language: str, facts: Mapping[str, Any]) -> EmailContent:
        """Render an e-mail; raise `Unwordable`."""

    @abstractmethod
    def sms(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        """Render a text message; raise `Unwordable`."""


class Contacts(Protocol):
    """A read port for the contacts of students and staff."""

    @abstractmethod
    async def of(self, recipients: Collection[RecipientId]) -> Mapping[RecipientId, Contact | UnreadableContact]:
        """Return the contacts of the recipients that exist, and the error of each that cannot be read."""


class SecretFacts(Protocol):
    """A read port for what only the message says: codes and one-time links."""

    @abstractmethod
    async def find(self, secret: UUID) -> Mapping[str, str] | None:
        """Return the facts of a one-time secret; None if it was used or has expired; raise `Undecipherable`."""


class OwedFees(Protocol):
    """A read port for what is owed when the words of a reminder are made."""

    @abstractmethod
    async def find(self, fee: UUID, instalment: int) -> Mapping[str, Any] | None:
        """Return `owed`, the amount up to an instalment; None if it is paid, or its payer may be debited already."""


class Deliveries(Protocol):
    """The repository of deliveries, for dispatching."""

    @abstractmethod
    def add(self, delivery: Delivery) -> None:
        """Insert a delivery unless its notice has one on the same channel."""

    @abstractmethod
    async def claim(self, channel: Channel, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Claim the pending deliveries that are due, the earliest due first, until a moment; no other process can.

        Those that have expired are not claimed.
        """

    @abstractmethod
    async def save(self, deliveries: Sequence[Delivery]) -> None:
        """Store the state and the unsaved attempts of claimed deliveries.

        The state of a row that another process claimed meanwhile is kept, unless a vendor accepted the message.
        """

    @abstractmethod
    async def expired_claims(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return deliveries whose claim ended at or before `now`, and lock their rows."""


class InDoubtDeliveries(Protocol):
    """The repository of deliveries, for determining their outcomes."""

    @abstractmethod
    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return unknown deliveries whose lookup is due, and lock their rows until this unit of work ends."""

    @abstractmethod
    async def find(self, delivery: DeliveryId) -> Delivery | None:
        """Return a delivery with its stored reports, and lock its row until this unit of work ends."""

    @abstractmethod
    async def attempts(self, delivery: DeliveryId) -> Sequence[Attempt]:
        """Return the vendor calls of a delivery in order."""

    @abstractmethod
    async def save(self, delivery: Delivery) -> None:
        """Store the state and the new status reports of a delivery from this repository."""


class ExpiringDeliveries(Protocol):
    """The repository of pending deliveries, for their expiry."""

    @abstractmethod
    async def due(self, now: datetime, limit: int) -> Sequence[Delivery]:
        """Return pending deliveries that expired at or before `now`, and lock their rows."""


class RestoredDeliveries(Protocol):
    """The pending deliveries of a database that was restored to an earlier moment, outside of a unit of work."""

    @abstractmethod
    async def doubt(self, since: datetime, now: datetime) -> int:
        """Make every pending delivery unknown since a moment, with a lookup that is due; return their number."""


class ReportedDeliveries(Protocol):
    """A read port for what vendors said about deliveries, outside of a unit of work."""

    @abstractmethod
    async def among(self, deliveries: Collection[DeliveryId]) -> Collection[DeliveryId]:
        """Return those that a vendor accepted or reported since the last decision of a person about them."""


class DeliveryList(Protocol):
    """Queries of deliveries."""

    @abstractmethod
    async def count(self, search: DeliveryFilter) -> Sequence[DeliveryGroup]:
        """Return the number of matching deliveries by channel and template."""

    @abstractmethod
    async def find(self, search: DeliveryFilter, after: DeliveryCursor | None, limit: int) -> Sequence[DeliverySummary]:
        """Return the matching deliveries behind the cursor `after`, the earliest due first."""


class DueDeliveries(Protocol):
    """A read port for pending deliveries, outside of a unit of work."""

    @abstractmethod
    async def next_due_at(self, channel: Channel) -> datetime | None:
        """Return the earliest due time of a pending delivery, None if there is none."""


class NotificationsWork(UnitOfWork, Protocol):
    """A unit of work of the notifications context."""

    deliveries: Deliveries
    in_doubt_deliveries: InDoubtDeliveries
    expiring_deliveries: ExpiringDeliveries


NewNotificationsWork = NewUnitOfWork[NotificationsWork]
