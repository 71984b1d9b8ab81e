"""Tables of the ledger context."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
)

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Position, UtcDateTime

ledger_transactions = table(
    "ledger_transactions",
    Column("cause_id", Id),
    Column("kind", String(16)),
    Column("about_id", Id, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("postings", SmallInteger, nullable=False),
    Column("posted_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("cause_id", "kind", name="pk_ledger_transactions"),
    Index("ix_ledger_transactions_about", "about_id", "at"),
    Index("ix_ledger_transactions_at", "at"),
)

# A row is two postings of opposite sign: what a transaction adds to its accounts is zero by the form of the rows.
postings = table(
    "postings",
    Column("cause_id", Id),
    Column("kind", String(16)),
    Column("number", SmallInteger, autoincrement=False),
    Column("debit", String(64), nullable=False),
    Column("credit", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("cause_id", "kind", "number", name="pk_postings"),
    Index("ix_postings_debit", "debit", "at", "currency", "amount_minor"),
    Index("ix_postings_credit", "credit", "at", "currency", "amount_minor"),
    CheckConstraint("amount_minor > 0", name="ck_postings_amount"),
    CheckConstraint("debit <> credit", name="ck_postings_accounts"),
)

# One row for each account of a posting that is in no sum yet: one whose transaction commits late is found all the same.
unsummed_postings = table(
    "unsummed_postings",
    Column("position", Position, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False),
    Column("day", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Index("ix_unsummed_postings_account", "account", "day", "currency", "amount_minor"),
)

daily_sums = table(
    "daily_sums",
    Column("account", String(64)),
    Column("currency", String(3)),
    Column("day", Date),
    Column("sum_minor", BigInteger, nullable=False),
    PrimaryKeyConstraint("account", "currency", "day", name="pk_daily_sums"),
)
