"""The memory database: tables as dictionaries, transactions with undo, lost when the process ends."""

from asyncio import Lock
from collections.abc import AsyncIterator, Callable, Collection, Iterable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from core.audit.chain import Seal
from core.fees.repricing import Repricing
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission
from core.identity.account import Account, AccountId
from core.identity.api_key import ApiKey
from core.identity.credential import ApiKeyId
from core.identity.identity_link import IdentityLink
from core.identity.one_time_secret import OneTimeSecret
from core.identity.password import Password
from core.identity.pending_sign_in import PendingSignIn
from core.identity.second_factor import SecondFactor
from core.identity.session import Session
from core.identity.signing_key import SigningKey
from core.inventory.order_line import OrderLine
from core.inventory.ports import LineKey
from core.inventory.sku import Sku
from core.inventory.stock_level import StockLevel
from core.jobs.job import JobState
from core.kernel.audit import AuditRecord
from core.kernel.decisions import Decision
from core.kernel.unit_of_work import Transaction
from core.ledger.transaction import LedgerTransaction, TransactionKey
from core.messaging.dead_letters import DeadLetter
from core.messaging.event_log import EventReplay
from core.messaging.message import Message
from core.notifications.attempt_log import Attempt
from core.notifications.delivery import Delivery
from core.notifications.status_reports import StatusReport
from core.payments.adjustment import Adjustment
from core.payments.counter_payment import CounterPayment
from core.payments.fee_account import FeeAccount
from core.receipts.receipt import IssuedReceipt, ReceiptVoid
from core.settlements.settlement_line import SettlementException
from core.students.student import Student

MISSING = object()
Insert = Callable[[], None]


class ProjectionGenerations(NamedTuple):
    """The generation of a projection that is read, the newest one, and until when a rebuild of that has its lease."""

    live: int
    newest: int
    until: datetime | None


PROJECTIONS = ("inventory", "ledger", "submissions")


class UndoLog:
    """The changes of one transaction, with the values before them."""

    def __init__(self) -> None:
        self._before: list[tuple[MutableMapping[Any, Any], Any, Any]] = []

    def put(self, table: MutableMapping[Any, Any], key: Any, value: Any) -> None:
        """Set a row and keep its former value."""
        self._before.append((table, key, table.get(key, MISSING)))
        table[key] = value

    def remove(self, table: MutableMapping[Any, Any], key: Any) -> None:
        """Delete a row and keep its former value."""
        self._before.append((table, key, table.pop(key)))

    def mark(self) -> int:
        """Return the present position, for `rollback_to`."""
        return len(self._before)

    def rollback_to(self, mark: int) -> None:
        """Undo the changes since a mark, the last one first."""
        while len(self._before) > mark:
            table, key, value = self._before.pop()
            if value is MISSING:
                del table[key]
            else:
                table[key] = value


class Scope(NamedTuple):
    """The part of a transaction that a unit of work uses."""

    undo_log: UndoLog
    insert: Callable[[Iterable[Insert]], None]
    """Inserts rows when the unit of work commits."""
    notify: Callable[[Collection[str]], None]
    """Notifies signals after the commit of the transaction."""


@dataclass(slots=True)
class MemoryDatabase(Transaction):
    """Tables as dictionaries; one lock lets one transaction at a time run."""

    notify: Callable[[Collection[str]], None] = lambda _: None
    """Notifies signals after a commit."""
    requests: dict[tuple[str, str], tuple[bytes, bytes, datetime]] = field(default_factory=dict)
    inbox: dict[tuple[str, UUID], tuple[datetime, bytes]] = field(default_factory=dict)
    accounts: dict[AccountId, Account] = field(default_factory=dict)
    api_keys: dict[ApiKeyId, ApiKey] = field(default_factory=dict)
    students: dict[str, Student] = field(default_factory=dict)
    erasures: dict[str, None] = field(default_factory=dict)
    schedules: dict[tuple[str, int], FeeSchedule] = field(default_factory=dict)
    submissions: dict[UUID, Submission] = field(default_factory=dict)
    submitted: dict[tuple[UUID, str], UUID] = field(default_factory=dict)
    repricings: dict[UUID, Repricing] = field(default_factory=dict)
    events: dict[UUID, Message] = field(default_factory=dict)
    versions: dict[tuple[UUID, int], UUID] = field(default_factory=dict)
    outbox: dict[int, Message] = field(default_factory=dict)
    publications: dict[UUID, datetime] = field(default_factory=dict)
    deliveries: dict[UUID, Delivery] = field(default_factory=dict)
    attempts: dict[UUID, tuple[Attempt, ...]] = field(default_factory=dict)
    status_reports: dict[UUID, tuple[StatusReport, ...]] = field(default_factory=dict)
    dead_letters: dict[tuple[str, UUID], tuple[DeadLetter, Message]] = field(default_factory=dict)
    skus: dict[str, Sku] = field(default_factory=dict)
    batches: dict[str, str] = field(default_factory=dict)
    order_lines: dict[LineKey, OrderLine] = field(default_factory=dict)
    fee_accounts: dict[UUID, FeeAccount] = field(default_factory=dict)
    webhooks: dict[UUID, tuple[bytes, datetime]] = field(default_factory=dict)
    adjustments: dict[UUID, Adjustment] = field(default_factory=dict)
    counter_payments: dict[UUID, CounterPayment] = field(default_factory=dict)
    settlement_lines: dict[UUID, tuple[UUID | None, UUID]] = field(default_factory=dict)
    settlement_exceptions: dict[UUID, SettlementException] = field(default_factory=dict)
    ledger_transactions: dict[TransactionKey, LedgerTransaction] = field(default_factory=dict)
    receipts: dict[UUID, IssuedReceipt] = field(default_factory=dict)
    receipt_counters: dict[tuple[str, str], int] = field(default_factory=dict)
    receipt_voids: dict[UUID, ReceiptVoid] = field(default_factory=dict)
    projections: dict[str, ProjectionGenerations] = field(
        default_factory=lambda: dict.fromkeys(PROJECTIONS, ProjectionGenerations(1, 1, None))
    )
    line_views: dict[tuple[int, str, str], OrderLine] = field(default_factory=dict)
    batch_views: dict[tuple[int, str], StockLevel] = field(default_factory=dict)
    sku_views: dict[tuple[int, str], int] = field(default_factory=dict)
    replays: dict[UUID, tuple[EventReplay, Decision]] = field(default_factory=dict)
    sessions: dict[UUID, Session] = field(default_factory=dict)
    passwords: dict[UUID, Password] = field(default_factory=dict)
    second_factors: dict[UUID, SecondFactor] = field(default_factory=dict)
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    identity_links: dict[tuple[str, str], IdentityLink] = field(default_factory=dict)
    pending_sign_ins: dict[bytes, PendingSignIn] = field(default_factory=dict)
    one_time_secrets: dict[UUID, OneTimeSecret] = field(default_factory=dict)
    jobs: dict[str, JobState] = field(default_factory=dict)
    audit_records: dict[UUID, AuditRecord] = field(default_factory=dict)
    audit_seals: list[Seal] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)
    positions: int = 0
    credential_revision: int = 0

    def change_credentials(self) -> None:
        """Change the revision of credentials; one that a rollback leaves behind is a change without effect."""
        self.credential_revision += 1

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Scope]:
        async with self.lock:
            yield Scope(UndoLog(), insert_all, self.notify)


def insert_all(inserts: Iterable[Insert]) -> None:
    """Insert rows now."""
    for insert in inserts:
        insert()
