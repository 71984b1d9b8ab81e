"""The sealing and the verification of the audit chain."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from adapters.sql.audit.tables import audit_seals
from adapters.sql.engine.tables import audit_records, audit_unsealed
from adapters.system.clock import TimeOrderedIds
from benchmarks.environment import BenchmarkEnvironment, Figures
from config.container import Application
from core.audit.chain import Head, seal
from core.kernel.audit import AuditRecord

ROWS_PER_INSERT = 2_000
CHANGE = '{"available":40,"eta":null,"purchased":50,"reference":"batch-7","sku":"SU-EXAM-KIT","version":12}'


BAR = "bar: 50,000"
"""Of verified records per second."""
RECORDS_PER_SEALED_ONE = 10
"""Sealing is measured with a part of the records: a day has fewer than a table of years."""


def audit(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure how many audit records are sealed and verified per second of the clock, and of this process's CPU."""
    figures: dict[str, float] = {}

    async def measured(application: Application) -> None:
        fresh = number // RECORDS_PER_SEALED_ONE
        await application.use_cases().audit.seal_audit_records()  # those of the preparation
        head = await application.audit.chain().head()
        await store(application, number - fresh, head)
        await store(application, fresh, None)
        figures.update(await sealing(application, fresh))
        figures.update(await verification(application, number))

    environment.prepare(measured)
    return figures


async def sealing(application: Application, number: int) -> Figures:
    """Return the rates of one run of the sealer."""
    began, busy = time.perf_counter(), time.process_time()
    sealed = await application.use_cases().audit.seal_audit_records()
    wall, cpu = time.perf_counter() - began, time.process_time() - busy
    if sealed != number:
        raise RuntimeError(f"{number} records were stored, {sealed} were sealed")
    return {"audit records sealed/s": number / wall, "audit records sealed per second of CPU": number / cpu}


async def verification(application: Application, number: int) -> Figures:
    """Return the rates of one verification of all records."""
    began, busy = time.perf_counter(), time.process_time()
    found = await application.use_cases().audit.verify_audit_chain(lambda _done, _total: None)
    wall, cpu = time.perf_counter() - began, time.process_time() - busy
    if found.records < number or found.faults:
        raise RuntimeError(f"{number} records were stored: {found}")
    return {
        f"audit records verified/s ({BAR})": found.records / wall,
        "audit records verified per second of CPU": found.records / cpu,
    }


async def store(application: Application, number: int, head: Head | None) -> None:
    """Store records of the last day, with seals that continue a head, or waiting for theirs."""
    ids, start = TimeOrderedIds(), datetime.now(UTC) - timedelta(days=1)
    for first in range(0, number, ROWS_PER_INSERT):
        at = [
            start + timedelta(microseconds=10 * place) for place in range(first, min(first + ROWS_PER_INSERT, number))
        ]
        records = [a_record(ids.new(), moment) for moment in at]
        head = await store_some(application, records, head)


async def store_some(application: Application, records: Sequence[AuditRecord], head: Head | None) -> Head | None:
    """Store records in one transaction, and return the new head."""
    rows = [{column.name: getattr(record, column.name) for column in audit_records.columns} for record in records]
    seals = list(seal(head, [(record.id, record.canonical_text) for record in records])) if head else []
    sealed: list[dict[str, Any]] = [
        {"sequence": each.sequence, "record_id": each.record, "hash": each.hash} for each in seals
    ]
    async with application.storage.database().writing() as connection:
        await connection.execute(insert(audit_records), rows)
        if head:
            await connection.execute(insert(audit_seals), sealed)
        else:
            await connection.execute(insert(audit_unsealed), [{"record_id": record.id} for record in records])
        await connection.commit()
    return Head(seals[-1].sequence, seals[-1].hash) if head else None


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
