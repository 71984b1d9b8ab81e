"""Figures of orders that are under way at gateways."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.payments.order import OrderState

MAX_COUNTED_ORDERS = 10_000
"""Of one state; counting more would take the database longer than the figure is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFigure:
    """The orders of one gateway and state."""

    gateway: str
    state: OrderState
    count: int
    oldest: datetime | None
    """When the first of them was opened."""


class OrderFigures(Protocol):
    """A read port for monitoring."""

    @abstractmethod
    async def under_way(self) -> Sequence[OrderFigure]:
        """Return a figure for each gateway and state of the orders under way, without those of the counter."""
