"""The money of a run: what the gateway's own book holds, and what the office stored."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.chaos.payers import BOOK_FILE
from tests.chaos.sql import select

POSTED = """
    SELECT kind, LOWER(HEX(cause_id)), SUM(amount_minor) FROM postings WHERE kind <> 'charge' GROUP BY kind, cause_id
"""
BALANCES = """
    SELECT t.about_id, SUM(IF(p.debit LIKE 'candidate:%', p.amount_minor, -p.amount_minor))
    FROM ledger_transactions t JOIN postings p ON p.cause_id = t.cause_id AND p.kind = t.kind GROUP BY t.about_id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One payment or refund."""

    id: str
    minor: int
    of: str = ""
    """Of a refund, the gateway's id of its payment; of a payment, the order."""


@dataclass(frozen=True, slots=True)
class GatewayBook:
    """What the gateway holds."""

    captured: dict[str, Taken] = field(default_factory=dict)
    """By the gateway's id of the payment."""
    refunded: dict[str, Taken] = field(default_factory=dict)
    """By the office's id of the refund, in hexadecimal."""


@dataclass(frozen=True, slots=True)
class StoredPayment:
    """A row of a payment."""

    id: str
    gateway_payment: str
    fee: UUID
    minor: int


@dataclass(frozen=True, slots=True)
class OfficeMoney:
    """What the office stored; ids are hexadecimal."""

    payments: list[StoredPayment] = field(default_factory=list)
    refunds: dict[str, tuple[str, int]] = field(default_factory=dict)
    """The stage and the amount."""
    posted: dict[tuple[str, str], int] = field(default_factory=dict)
    """The amount by kind and cause."""
    balances: dict[UUID, int] = field(default_factory=dict)
    """What is owed of a fee by the postings about it."""
    due: dict[UUID, int] = field(default_factory=dict)
    """What a fee costs."""
    cleared: dict[UUID, bool] = field(default_factory=dict)
    receipts: list[tuple[str, int]] = field(default_factory=list)
    """The payment and the number of each receipt."""


def read_book(folder: Path) -> GatewayBook:
    """Read the book of the sandbox, without its adapter."""
    path = folder / BOOK_FILE
    captured, refunded = dict[str, Taken](), dict[str, Taken]()
    for line in path.read_text().splitlines() if path.exists() else ():
        entry = json.loads(line)
        if entry["kind"] == "payment" and entry["state"] == "captured":
            captured[entry["id"]] = Taken(entry["id"], entry["minor"], entry["gateway_order"])
        elif entry["kind"] == "refund" and entry["state"] == "refunded":
            name = UUID(entry["refund"]).hex
            refunded[name] = Taken(name, entry["minor"], entry["payment"])
    return GatewayBook(captured, refunded)


async def read_money(rows: Any) -> OfficeMoney:
    """Read payments, refunds, postings and receipts."""
    payments = await select(rows, "SELECT id, gateway_payment, submission_id, amount_minor FROM payments")
    refunds = await select(rows, "SELECT id, stage, amount_minor FROM refunds")
    posted, balances = await select(rows, POSTED), await select(rows, BALANCES)
    accounts = await select(rows, "SELECT submission_id, charged_minor, cleared FROM fee_accounts")
    receipts = await select(rows, "SELECT payment_id, number FROM receipts")
    return OfficeMoney(
        payments=[StoredPayment(row[0].hex(), row[1], UUID(bytes=row[2]), row[3]) for row in payments],
        refunds={row[0].hex(): (row[1], row[2]) for row in refunds},
        posted={(row[0], row[1]): int(row[2]) for row in posted},
        balances={UUID(bytes=row[0]): int(row[1]) for row in balances},
        due={UUID(bytes=row[0]): int(row[1]) for row in accounts},
        cleared={UUID(bytes=row[0]): bool(row[2]) for row in accounts},
        receipts=[(row[0].hex(), row[1]) for row in receipts],
    )


def by_fee(book: GatewayBook, office: OfficeMoney) -> Mapping[UUID, list[Taken]]:
    """Return the captured payments of each fee."""
    fees = {each.gateway_payment: each.fee for each in office.payments}
    found = defaultdict[UUID, list[Taken]](list)
    for name, taken in book.captured.items():
        if name in fees:
            found[fees[name]].append(taken)
    return found
