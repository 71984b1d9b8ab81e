"""The verification of the audit chain."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from adapters.sql.audit.tables import audit_seals
from adapters.sql.engine.tables import audit_records
from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from config.container import Application
from core.audit.chain import EMPTY_CHAIN, Head, seal
from core.kernel.audit import AuditRecord

ROWS_PER_INSERT = 2_000
CHANGE = '{"available":40,"eta":null,"purchased":50,"reference":"batch-7","sku":"SU-EXAM-KIT","version":12}'


def verification(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure how many audit records are verified per second."""
    figures: dict[str, float] = {}

    async def verify(application: Application) -> None:
        await store(application, number)
        began = time.perf_counter()
        found = await application.use_cases().audit.verify_audit_chain(lambda _done, _total: None)
        if (found.records, found.faults) != (number, 0):
            raise RuntimeError(f"{number} records were stored: {found}")
        figures["audit records verified/s"] = number / (time.perf_counter() - began)

    environment.prepare(verify)
    return figures


async def store(application: Application, number: int) -> None:
    """Store sealed records."""
    ids, head, start = TimeOrderedIds(), EMPTY_CHAIN, datetime.now(UTC) - timedelta(days=1)
    for first in range(0, number, ROWS_PER_INSERT):
        at = [
            start + timedelta(microseconds=10 * place) for place in range(first, min(first + ROWS_PER_INSERT, number))
        ]
        head = await store_some(application, [a_record(ids.new(), moment) for moment in at], head)


async def store_some(application: Application, records: Sequence[AuditRecord], head: Head) -> Head:
    """Store records with their seals in one transaction, and return the new head."""
    seals = list(seal(head, [(record.id, record.canonical_text) for record in records]))
    rows = [{column.name: getattr(record, column.name) for column in audit_records.columns} for record in records]
    sealed: list[dict[str, Any]] = [
        {"sequence": each.sequence, "record_id": each.record, "hash": each.hash} for each in seals
    ]
    async with application.storage.database().writing() as connection:
        await connection.execute(insert(audit_records), rows)
        await connection.execute(insert(audit_seals), sealed)
        await connection.commit()
    return Head(seals[-1].sequence, seals[-1].hash)


def a_record(record_id: UUID, at: datetime) -> AuditRecord:
    """Return a record of usual size."""
    return AuditRecord(
        id=record_id,
        at=at,
        actor="account:01935f3e-7c1a-7d5e-9a44-2b1d0c9e8f70",
        account=UUID(int=1),
        session=UUID(int=2),
        address="203.0.113.7",
        request_id=record_id.hex,
        action="change-batch-quantity",
        target="batch/batch-7",
        before=CHANGE,
        after=CHANGE,
        reason="",
        outcome="done",
    )
