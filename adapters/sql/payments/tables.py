"""Tables of the payments context; the row lock of a fee account covers its rows in the others."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, UniqueConstraint

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json, UtcDateTime

fee_accounts = table(
    "fee_accounts",
    Column("submission_id", Id, primary_key=True),
    Column("student_id", Id, nullable=False),
    Column("reference", String(32), nullable=False),
    Column("schedule", String(64), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("charged_minor", BigInteger, nullable=False),
    Column("fined_minor", BigInteger, nullable=False),
    Column("pay_by", UtcDateTime),
    Column("cleared", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("reference", name="uq_fee_accounts_reference"),
    Index("ix_fee_accounts_schedule", "schedule", "cleared", "submission_id"),
)

payment_orders = table(
    "payment_orders",
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    Column("gateway", String(32), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("gateway_order", String(255), nullable=False),
    Column("checkout", Json, nullable=False),
    Column("check_at", UtcDateTime),
    Column("checks", SmallInteger, nullable=False),
    Index("ix_payment_orders_submission", "submission_id"),
    Index("ix_payment_orders_gateway_order", "gateway", "gateway_order"),
    Index("ix_payment_orders_check_at", "check_at", "submission_id"),
)

payments = table(
    "payments",
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    Column("gateway", String(32), nullable=False),
    Column("gateway_payment", String(255), nullable=False),
    Column("order_id", Id),
    Column("method", String(32), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("paid_at", UtcDateTime, nullable=False),
    Column("late", Boolean, nullable=False),
    UniqueConstraint("gateway", "gateway_payment", name="uq_payments_gateway_payment"),
    Index("ix_payments_submission", "submission_id"),
    Index("ix_payments_paid_at", "gateway", "paid_at", "id"),
)

refunds = table(
    "refunds",
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    Column("payment_id", Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("cause", String(16), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("reserved_at", UtcDateTime, nullable=False),
    Column("gateway_refund", String(255), nullable=False),
    Column("check_at", UtcDateTime),
    Column("checks", SmallInteger, nullable=False),
    Index("ix_refunds_submission", "submission_id"),
    Index("ix_refunds_check_at", "check_at", "submission_id"),
    Index("ix_refunds_stage", "stage", "id"),
    Index("ix_refunds_gateway_refund", "gateway_refund"),
)

counter_payments = table(
    "counter_payments",
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    Column("method", String(32), nullable=False),
    Column("number", String(80), nullable=False),
    Column("number_in_use", String(80)),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("paid_at", UtcDateTime, nullable=False),
    Column("taken_by", String(128), nullable=False),
    Column("taken_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(128), nullable=False),
    Column("why", String(500), nullable=False),
    UniqueConstraint("number_in_use", name="uq_counter_payments_number_in_use"),
    Index("ix_counter_payments_state", "state", "id"),
)

waivers = table(
    "waivers",
    Column("id", Id, primary_key=True),
    Column("submission_id", Id, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("percent", SmallInteger),
    Column("head", String(40), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("state", String(16), nullable=False),
    Column("requested_by", String(128), nullable=False),
    Column("requested_at", UtcDateTime, nullable=False),
    Column("due_before_minor", BigInteger),
    Column("due_after_minor", BigInteger),
    Column("decided_by", String(128)),
    Column("decided_at", UtcDateTime),
    Column("decision_reason", String(500)),
    Column("retracted_by", String(128)),
    Column("retracted_at", UtcDateTime),
    Column("retraction_reason", String(500)),
    Index("ix_waivers_submission", "submission_id"),
    Index("ix_waivers_state", "state", "id"),
)
