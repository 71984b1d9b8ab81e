"""List the exceptions of settlement files."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.settlements.ports import ExceptionList
from core.settlements.settlement_line import ExceptionKind, ExceptionState, SettlementException


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionView:
    """An exception as people see it."""

    id: UUID
    gateway: str
    kind: ExceptionKind
    about: UUID | None
    """The payment or refund, where one is known."""
    name: str
    """The gateway's id of it."""
    amount: Money
    fees: Money
    settlement: str
    at: datetime
    state: ExceptionState
    decided_by: str
    why: str

    @classmethod
    def of(cls, found: SettlementException) -> Self:
        """Return what people see."""
        return cls(**{name: getattr(found, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class ExceptionPage:
    """A page of exceptions, in the order of their ids."""

    items: Sequence[ExceptionView]
    next: UUID | None
    """The `after` of the next page; None on the last one."""


@requires(Permission.SETTLEMENTS_READ)
@dataclass(frozen=True, slots=True)
class ListExceptions:
    """Return exceptions of one state; open ones wait for a decision."""

    exceptions: ExceptionList

    async def __call__(
        self, state: ExceptionState, kind: ExceptionKind | None, after: UUID | None, limit: int
    ) -> ExceptionPage:
        """Return a page of them."""
        found = await self.exceptions.page(state, kind, after, limit + 1)
        items = [ExceptionView.of(each) for each in found[:limit]]
        return ExceptionPage(items, items[-1].id if len(found) > limit else None)
