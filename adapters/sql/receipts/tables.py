"""Tables of the receipts context."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, UtcDateTime
from core.kernel.decisions import MAX_REASON_LENGTH
from core.receipts.receipt import LONGEST_ISSUER, LONGEST_METHOD

receipt_counters = table(
    "receipt_counters",
    Column("series", String(8)),
    Column("year", String(7)),
    Column("last_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("series", "year", name="pk_receipt_counters"),
)

receipts = table(
    "receipts",
    Column("series", String(8)),
    Column("year", String(7)),
    Column("number", BigInteger, autoincrement=False),
    Column("payment_id", Id, nullable=False),
    Column("submission_id", Id, nullable=False),
    Column("student_id", Id, nullable=False),
    Column("reference", String(32), nullable=False),
    Column("schedule", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("method", String(LONGEST_METHOD), nullable=False),
    Column("paid_at", UtcDateTime, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("issuer", String(LONGEST_ISSUER), nullable=False),
    Column("issued_at", UtcDateTime, nullable=False),
    Column("code", String(22), nullable=False),
    PrimaryKeyConstraint("series", "year", "number", name="pk_receipts"),
    UniqueConstraint("payment_id", name="uq_receipts_payment"),
    UniqueConstraint("code", name="uq_receipts_code"),
    Index("ix_receipts_submission", "submission_id"),
    Index("ix_receipts_student", "student_id"),
    Index("ix_receipts_schedule", "schedule", "series", "year", "number"),
)

# What a bank had taken back and restored: the id of the reversal stands for the payment of the new receipt.
receipt_restorations = table(
    "receipt_restorations",
    Column("payment_id", Id, primary_key=True),
    Column("restores", Id, nullable=False),
)

# A table of its own, so that the service can only insert: what a receipt told never changes.
receipt_voids = table(
    "receipt_voids",
    Column("payment_id", Id, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("reason", String(MAX_REASON_LENGTH), nullable=False),
)
