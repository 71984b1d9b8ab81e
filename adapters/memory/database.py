"""A database that lives as long as the process."""

from asyncio import Lock
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission
from core.inventory.order_line import OrderLine
from core.inventory.ports import LineKey
from core.inventory.sku import Sku
from core.inventory.stock_level import StockLevel
from core.kernel.decisions import Decision
from core.messaging.dead_letters import DeadLetter
from core.messaging.event_log import EventReplay
from core.messaging.message import Message
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Delivery
from core.notifications.status_reports import StatusReport
from core.students.student import Student

MISSING = object()


class ProjectionGenerations(NamedTuple):
    """Which generation of a projection is read, which is the newest, and until when that is being built."""

    live: int
    newest: int
    until: datetime | None


class Transaction:
    """Changes that can be taken back."""

    def __init__(self) -> None:
        self._before: list[tuple[MutableMapping[Any, Any], Any, Any]] = []

    def put(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Set a row."""
        self._before.append((table, key, table.get(key, MISSING)))
        table[key] = value

    def mark(self) -> int:
        """Return where we are, to come back to."""
        return len(self._before)

    def rollback_to(self, mark: int) -> None:
        """Undo what was done since a mark."""
        while len(self._before) > mark:
            table, key, value = self._before.pop()
            if value is MISSING:
                del table[key]
            else:
                table[key] = value


@dataclass(slots=True)
class Store:
    """Tables as dictionaries, and the one lock that makes transactions of their changes."""

    requests: dict[tuple[str, str], tuple[bytes, bytes, datetime]] = field(default_factory=dict)
    inbox: dict[tuple[str, UUID], datetime] = field(default_factory=dict)
    students: dict[str, Student] = field(default_factory=dict)
    schedules: dict[tuple[str, int], FeeSchedule] = field(default_factory=dict)
    submissions: dict[UUID, Submission] = field(default_factory=dict)
    submitted: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    events: dict[UUID, Message] = field(default_factory=dict)
    versions: dict[tuple[UUID, int], UUID] = field(default_factory=dict)
    outbox: dict[int, Message] = field(default_factory=dict)
    publications: dict[UUID, datetime] = field(default_factory=dict)
    deliveries: dict[UUID, Delivery] = field(default_factory=dict)
    attempts: dict[UUID, tuple[Attempt, ...]] = field(default_factory=dict)
    findings: dict[UUID, tuple[StatusReport, ...]] = field(default_factory=dict)
    dead_letters: dict[tuple[str, UUID], tuple[DeadLetter, Message]] = field(default_factory=dict)
    skus: dict[str, Sku] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    order_lines: dict[LineKey, OrderLine] = field(default_factory=dict)
    projections: dict[str, ProjectionGenerations] = field(
        default_factory=lambda: {"inventory": ProjectionGenerations(1, 1, None)}
    )
    line_views: dict[tuple[int, str, str], OrderLine] = field(default_factory=dict)
    batch_views: dict[tuple[int, str], StockLevel] = field(default_factory=dict)
    sku_views: dict[tuple[int, str], int] = field(default_factory=dict)
    replays: dict[UUID, tuple[EventReplay, Decision]] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    positions: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Begin a transaction; there is one at a time."""
        async with self.lock:
            yield Transaction()
