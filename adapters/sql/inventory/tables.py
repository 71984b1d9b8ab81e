"""Tables of the inventory context: stock, order lines, and the views projected from them."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    UniqueConstraint,
)

from adapters.sql.engine.tables import table
from adapters.sql.engine.types import Id, Json, UtcDateTime

skus = table(
    "skus",
    Column("id", Id, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("short", Boolean, nullable=False),
    Column("unserved", Boolean, nullable=False),
    UniqueConstraint("name", name="uq_skus_name"),
    Index("ix_skus_unserved", "unserved", "name"),
)

batches = table(
    "batches",
    Column("reference", String(64)),
    Column("sku_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("purchased", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("shipped", Integer, nullable=False),
    Column("eta", Date),
    PrimaryKeyConstraint("reference", name="pk_batches"),
    Index("ix_batches_sku", "sku_id", "available"),
    CheckConstraint(
        "available >= 0 AND shipped >= 0 AND available + shipped <= purchased", name="ck_batches_conserved"
    ),
)

order_lines = table(
    "order_lines",
    Column("order_id", String(64)),
    Column("sku_id", Id),
    Column("quantity", Integer, nullable=False),
    Column("split", Boolean, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("hold_until", UtcDateTime),
    Column("asked_at", UtcDateTime, nullable=False),
    Column("explanation", Json, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("order_id", "sku_id", name="pk_order_lines"),
    # With the quantity, so that lines that need too much are skipped within the index.
    Index("ix_order_lines_queue", "sku_id", "state", "place", "quantity", "split"),
    Index("ix_order_lines_hold_until", "hold_until"),
)

allocations = table(
    "allocations",
    Column("batch", String(64)),
    Column("order_id", String(64)),
    Column("sku_id", Id, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("place", Integer, nullable=False),
    PrimaryKeyConstraint("batch", "order_id", name="pk_allocations"),
    Index("ix_allocations_latest", "batch", "state", "priority", "place"),
)

line_views = table(
    "line_views",
    Column("generation", Integer, autoincrement=False),
    Column("order_id", String(64)),
    Column("sku", String(64)),
    Column("document", Json, nullable=False),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "order_id", "sku", name="pk_line_views"),
)

batch_views = table(
    "batch_views",
    Column("generation", Integer, autoincrement=False),
    Column("reference", String(64)),
    Column("sku", String(64), nullable=False),
    Column("purchased", Integer, nullable=False),
    Column("available", Integer, nullable=False),
    Column("shipped", Integer, nullable=False),
    Column("eta", Date),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "reference", name="pk_batch_views"),
    Index("ix_batch_views_sku", "generation", "sku"),
)

sku_views = table(
    "sku_views",
    Column("generation", Integer, autoincrement=False),
    Column("sku", String(64)),
    Column("version", Integer, nullable=False),
    PrimaryKeyConstraint("generation", "sku", name="pk_sku_views"),
)
