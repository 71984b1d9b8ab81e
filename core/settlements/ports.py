"""The ports of the settlements context."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from core.kernel.money import Money
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork
from core.settlements.settlement_line import (
    ExceptionKind,
    ExceptionState,
    KnownFact,
    PlacedLine,
    SettlementException,
)


class SettlementLines(Protocol):
    """The lines that were imported."""

    @abstractmethod
    async def known(self, lines: Collection[UUID]) -> Mapping[UUID, UUID]:
        """Return which of these lines are stored, each with the import that has seen it last."""

    @abstractmethod
    async def see(self, lines: Collection[UUID], by: UUID) -> None:
        """Note that an import has seen stored lines again."""

    @abstractmethod
    def add(self, lines: Sequence[PlacedLine], gateway: str, by: UUID) -> None:
        """Store new lines; the commit raises `Conflict` if another import has stored one of them meanwhile."""


class MissingPayment(NamedTuple):
    """A captured payment that no file has."""

    id: UUID
    name: str
    amount: Money
    paid_at: datetime


class Collected(Protocol):
    """The payments and refunds of gateways, which other contexts write."""

    @abstractmethod
    async def payments(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        """Return payments by the gateway's ids."""

    @abstractmethod
    async def payments_of_orders(self, gateway: str, orders: Collection[str]) -> Mapping[str, KnownFact]:
        """Return the payments of orders that have exactly one, by the gateway's ids of the orders."""

    @abstractmethod
    async def refunds(self, gateway: str, names: Collection[str]) -> Mapping[str, KnownFact]:
        """Return refunds by the gateway's ids."""

    @abstractmethod
    async def unsettled(
        self, gateway: str, since: datetime, until: datetime, after: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[MissingPayment]:
        """Return payments of a period without a line and without an exception, in the order of time and id."""


class SettlementExceptions(Protocol):
    """The repository of exceptions."""

    @abstractmethod
    async def lock(self, exception: UUID) -> SettlementException | None:
        """Return one, and lock its row until this unit of work ends."""

    @abstractmethod
    def add(self, exception: SettlementException) -> None:
        """Store a new one; an existing one stays as it is."""

    @abstractmethod
    def save(self, exception: SettlementException) -> None:
        """Store the decision about one."""

    @abstractmethod
    async def close_found(self) -> None:
        """Close the open exceptions about payments that were missing there and have a line by now."""


class SettlementsUnitOfWork(UnitOfWork, Protocol):
    """A unit of work over settlement files."""

    lines: SettlementLines
    collected: Collected
    exceptions: SettlementExceptions


NewSettlementsUnitOfWork = NewUnitOfWork[SettlementsUnitOfWork]


class ExceptionList(Protocol):
    """The exceptions, for people."""

    @abstractmethod
    async def page(
        self, state: ExceptionState, kind: ExceptionKind | None, after: UUID | None, limit: int
    ) -> Sequence[SettlementException]:
        """Return exceptions of a state in the order of their ids, those after one."""
