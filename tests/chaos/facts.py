"""The observable state: rows, topics, the records of vendors, and the replies to clients."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import msgspec

from core.messaging.message import topic_of
from core.notifications.staff import INVENTORY_STAFF
from entrypoints.routes import ROUTES
from tests.chaos.brokers import Broker
from tests.chaos.money import GatewayBook, OfficeMoney, read_book, read_money
from tests.chaos.preparation import mailbox, number_of, phone
from tests.chaos.sql import select
from tests.chaos.stock import Stock, take_stock
from tests.chaos.submission_clients import SubmissionReply, told
from tests.chaos.topics import Published
from tests.chaos.vendors import VendorRecord, recorded

CONTEXTS = (
    "fees", "fees.dead-letters", "inventory", "inventory.dead-letters", "payments", "payments.dead-letters", "chaos"
)  # fmt: skip


CHARGED = """
    SELECT s.id, s.total_minor, COALESCE(SUM(IF(p.debit LIKE 'candidate:%', p.amount_minor, -p.amount_minor)), 0)
    FROM submissions s LEFT JOIN postings p ON p.cause_id = s.id AND p.kind = 'charge'
    GROUP BY s.id, s.total_minor
"""


class Servers(Protocol):
    """MySQL and the broker, without a proxy."""

    @property
    def broker(self) -> Broker:
        """Return the broker."""

    async def connect(self, database: str) -> Any:
        """Open a connection to MySQL."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in the log."""

    id: UUID
    context: str
    type: str
    aggregate: UUID
    version: int
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery, with the address that belongs to its candidate alone."""

    id: UUID
    student: UUID
    channel: str
    state: str
    reason: str
    address: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The input of the judge."""

    answers: list[SubmissionReply]
    students: dict[str, UUID]
    """By registration."""
    submissions: list[tuple[UUID, str, UUID]]
    """Id, reference, student."""
    charged: dict[UUID, tuple[int, int]]
    """By submission, its price and what the ledger charges its candidate, in minor units."""
    events: list[StoredEvent]
    topics: dict[str, list[list[Published]]]
    """By context, the records of each partition in order."""
    deliveries: list[StoredDelivery]
    vendors: list[VendorRecord]
    dead_letters: list[str]
    stock: Stock
    book: GatewayBook = field(default_factory=GatewayBook)
    office: OfficeMoney = field(default_factory=OfficeMoney)


async def gather(stack: Servers, database: str, prefix: str, folder: Path, contexts: Sequence[str] = CONTEXTS) -> Facts:
    """Read the state directly, without the proxy and the product."""
    rows = await stack.connect(database)
    try:
        students = await select(rows, "SELECT registration, id FROM students")  # their addresses are encrypted
        addresses = {(row[1], "email"): mailbox(number_of(row[0])) for row in students}
        addresses |= {(row[1], "sms"): phone(number_of(row[0])) for row in students}
        submissions = await select(rows, "SELECT id, reference, student_id FROM submissions")
        charged = await select(rows, CHARGED)
        events = await select(
            rows, "SELECT event_id, context, type, aggregate_id, aggregate_version, body FROM event_log"
        )
        deliveries = await select(rows, "SELECT id, student_id, channel, state, reason FROM deliveries")
        dead = await select(rows, "SELECT type, message_id, reason, detail FROM dead_letters")
        stock = await take_stock(rows, folder)
        office = await read_money(rows)
    finally:
        await rows.ensure_closed()
    return Facts(
        answers=told(folder),
        students={row[0]: UUID(bytes=row[1]) for row in students},
        submissions=[(UUID(bytes=row[0]), row[1], UUID(bytes=row[2])) for row in submissions],
        charged={UUID(bytes=row[0]): (row[1], int(row[2])) for row in charged},
        events=[
            StoredEvent(UUID(bytes=row[0]), row[1], row[2], UUID(bytes=row[3]), row[4], row[5].encode())
            for row in events
        ],
        topics={context: await stack.broker.records(prefix + topic_of(context)) for context in contexts},
        deliveries=[
            StoredDelivery(UUID(bytes=row[0]), UUID(bytes=row[1]), row[2], row[3], row[4], addresses[row[1], row[2]])
            for row in deliveries
            if row[1] != INVENTORY_STAFF.bytes
        ],
        vendors=recorded(folder),
        dead_letters=[f"{row[0]} {UUID(bytes=row[1])}: {row[2]}: {row[3]}" for row in dead],
        stock=stock,
        book=read_book(folder),
        office=office,
    )


async def waiting(stack: Servers, database: str, prefix: str, group: str, folder: Path) -> dict[str, int]:
    """Return the work in progress: counts by kind."""
    connection = await stack.connect(database)
    try:
        left = {"outbox": (await select(connection, "SELECT COUNT(*) FROM outbox"))[0][0]}
        left["unserved"] = (await select(connection, "SELECT COUNT(*) FROM skus WHERE unserved"))[0][0]
        stored = {row[0] for row in await select(connection, "SELECT gateway_payment FROM payments")}
        left["payments"] = len(read_book(folder).captured.keys() - stored)
        open_refunds = "SELECT COUNT(*) FROM refunds WHERE stage IN ('reserved', 'requested', 'unknown')"
        left["refunds"] = (await select(connection, open_refunds))[0][0]
        states = await select(connection, "SELECT state, COUNT(*) FROM deliveries GROUP BY state")
    finally:
        await connection.ensure_closed()
    left |= {state: count for state, count in states if state in ("pending", "sending")}
    left["lag"] = await stack.broker.lag([prefix + topic_of(each) for each in ROUTES.consumed_contexts], group)
    return {what: count for what, count in left.items() if count}


def message_of(event: StoredEvent) -> UUID:
    """Return the id of the message whose effect an event records."""
    return UUID(msgspec.json.decode(event.body)["message"])
