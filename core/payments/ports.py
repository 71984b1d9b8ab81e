"""The ports of the payments context, without those of gateways."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from core.kernel.money import Money
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.payments.adjustment import Adjustment, AdjustmentState
from core.payments.counter_payment import CounterPayment, CounterState
from core.payments.fee_account import FeeAccount
from core.payments.payment import RefundStage
from core.payments.refund_list import RefundSummary
from core.payments.waiver import Waiver


class FeeAccounts(Protocol):
    """The repository of fee accounts."""

    @abstractmethod
    async def lock(self, submissions: Collection[UUID], *, wait: bool = True) -> Mapping[UUID, FeeAccount]:
        """Return the accounts that exist, and lock their rows until this unit of work ends.

        Without `wait`, those that another unit of work has locked are left out.
        """

    @abstractmethod
    def add(self, account: FeeAccount) -> None:
        """Store a new account; an existing one stays as it is."""

    @abstractmethod
    def save(self, account: FeeAccount) -> None:
        """Store what changed of a locked account.

        The commit raises `Conflict` if another unit of work has stored one of its payments meanwhile.
        """


class CounterPayments(Protocol):
    """The repository of counter payments."""

    @abstractmethod
    async def lock(self, counter_payment: UUID) -> CounterPayment | None:
        """Return one, and lock its row until this unit of work ends."""

    @abstractmethod
    def add(self, taken: CounterPayment) -> None:
        """Store a new one; the commit raises `DocumentUsed` if another one that is not refused has its number."""

    @abstractmethod
    def save(self, taken: CounterPayment) -> None:
        """Store the decision about one."""


class Webhooks(Protocol):
    """The bytes that gateways sent; the SQL adapters encrypt them."""

    @abstractmethod
    def add(self, webhook: UUID, body: bytes, at: datetime) -> None:
        """Store a webhook; the commit raises `Conflict` for one that is stored."""

    @abstractmethod
    async def bodies(self, wanted: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Return the bytes of those that are stored; raise `UnreadableWebhook` for one that cannot be decrypted."""


class Adjustments(Protocol):
    """The repository of adjustments; the lock of a fee account covers its own."""

    @abstractmethod
    async def of(self, submissions: Collection[UUID]) -> Mapping[UUID, Sequence[Adjustment]]:
        """Return the adjustments of locked accounts; those without any are missing."""

    @abstractmethod
    def save(self, adjustment: Adjustment) -> None:
        """Store a new or changed one."""


class PaymentsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over fee accounts."""

    accounts: FeeAccounts
    counter_payments: CounterPayments
    adjustments: Adjustments
    webhooks: Webhooks


NewPaymentsUnitOfWork = NewUnitOfWork[PaymentsUnitOfWork]


@dataclass(frozen=True, slots=True)
class NamedFee:
    """Which fee a request names, with what decides who reaches it."""

    submission: UUID
    student: UUID
    centre: str
    """Of the student; empty after an erasure."""
    submitted: datetime | None
    """When the submission arrived; None where only its charge is known."""
    is_charged: bool = True
    """False: it is submitted, and has no account yet."""


class FeeNames(Protocol):
    """The names of fees: their submission ids and references."""

    @abstractmethod
    async def find(self, name: str) -> NamedFee | None:
        """Return the fee of this name; None: there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedFee:
    """A fee account with what is owed by the postings of the ledger."""

    account: FeeAccount
    balance: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFee:
    """A fee account with what the roster says of its student; empty after an erasure."""

    account: FeeAccount
    registration: str
    centre: str


class Clearances(Protocol):
    """The fees of a schedule."""

    @abstractmethod
    async def page(self, schedule: str, centre: str, after: UUID | None, limit: int) -> Sequence[ListedFee]:
        """Return the next fees of a schedule by submission id, of one centre unless it is empty."""


class DueStep(StrEnum):
    """What the passing of time does to a fee."""

    FINE = "fine"
    REMINDER = "reminder"


class DueFee(NamedTuple):
    """A fee with a step that may be due."""

    at: datetime
    submission: UUID


class DueFees(Protocol):
    """Queries of fees by what is due next, outside of a unit of work."""

    @abstractmethod
    async def page(self, step: DueStep, now: datetime, after: DueFee | None, limit: int) -> Sequence[DueFee]:
        """Return the next fees whose step may be due by now, the earliest first."""


@dataclass(frozen=True, slots=True)
class WaitingWaiver:
    """A waiver that waits for a decision, with its fee."""

    submission: UUID
    reference: str
    waiver: Waiver


class Waivers(Protocol):
    """Queries of waivers, outside of a unit of work."""

    @abstractmethod
    async def waiting(self, after: UUID | None, limit: int) -> Sequence[WaitingWaiver]:
        """Return the next waivers that wait for a decision, the earliest requested first."""

    @abstractmethod
    async def submission_of(self, waiver: UUID) -> UUID | None:
        """Return the submission of a waiver."""

    @abstractmethod
    async def heads(self, submission: UUID) -> Collection[str]:
        """Return the income heads for which something was posted about a submission."""


class AdjustmentRecords(Protocol):
    """Queries of adjustments, outside of a unit of work."""

    @abstractmethod
    async def page(self, state: AdjustmentState, after: UUID | None, limit: int) -> Sequence[Adjustment]:
        """Return adjustments of a state in the order of their ids, those after one."""

    @abstractmethod
    async def submissions_of(self, wanted: Collection[UUID]) -> Mapping[UUID, UUID]:
        """Return the submission of each known adjustment."""


@dataclass(frozen=True, slots=True)
class DueCheck:
    """An order or a refund whose gateway is to be asked."""

    submission: UUID
    subject: UUID
    """The id of the order or refund."""


class PaymentRecords(Protocol):
    """Queries of fee accounts, outside of a unit of work."""

    @abstractmethod
    async def find(self, submission: UUID) -> PostedFee | None:
        """Return the account of a submission."""

    @abstractmethod
    async def submissions_of(self, subjects: Collection[UUID]) -> Mapping[UUID, UUID]:
        """Return the submission of each known order and payment."""

    @abstractmethod
    async def orders_of(self, gateway: str, gateway_orders: Collection[str]) -> Mapping[str, UUID]:
        """Return the order by the gateway's id of it."""

    @abstractmethod
    async def due_checks(self, now: datetime, limit: int) -> Sequence[DueCheck]:
        """Return the orders and refunds whose gateway is to be asked by now, the earliest first."""


class DeskRecords(Protocol):
    """Queries of what waits for a person, outside of a unit of work."""

    @abstractmethod
    async def submission_of_refund(self, refund: UUID) -> UUID | None:
        """Return the submission that a refund is about."""

    @abstractmethod
    async def refunds(self, stage: RefundStage, after: UUID | None, limit: int) -> Sequence[RefundSummary]:
        """Return refunds of a stage in the order of their ids, those after one."""

    @abstractmethod
    async def counter_payments(self, state: CounterState, after: UUID | None, limit: int) -> Sequence[CounterPayment]:
        """Return counter payments of a state in the order of their ids, those after one."""
