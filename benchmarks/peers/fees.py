"""What both peers do between HTTP and the database: pricing by flat tariffs, and the rows of a submission.

`models` is the module of a peer's messages: `pydantic_messages` or `msgspec_messages`.
"""

import json
from base64 import b32encode
from datetime import UTC, datetime
from types import ModuleType
from typing import Any
from uuid import UUID
from zlib import crc32

import uuid_utils
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.peers import tables

SCOPE, JSON = "POST /v1/exam-fees", "application/json"
schedules: dict[str, tuple[int, dict[str, Any]]] = {}
"""Version and document of each schedule that this process has read."""


class Refused(Exception):
    """A request that is refused with a status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


async def current(session: AsyncSession, code: str) -> tuple[int, dict[str, Any]]:
    """Return the newest version of a schedule, which this process reads once."""
    if code not in schedules:
        newest = select(tables.FeeSchedule).where(tables.FeeSchedule.code == code)
        found = await session.scalar(newest.order_by(tables.FeeSchedule.version.desc()).limit(1))
        if found is None:
            raise Refused(404, "there is no such schedule")
        schedules[code] = found.version, json.loads(found.document)
    return schedules[code]


def priced(
    models: ModuleType, body: Any, student: tables.Student, schedule: dict[str, Any], version: int, at: datetime
) -> tuple[Any, Any]:
    """Return the submission that was received at this time, with the sum of the flat amounts, and its event."""
    if student.category not in schedule["categories"]:
        raise Refused(409, "the schedule has no such category")
    new, now, currency = a_uuid(), datetime.now(UTC), schedule["currency"]
    why, prices = f", category {student.category}", schedule["rules"]
    total = models.Money(minor=sum(rule["amount"] for rule in prices), currency=currency)
    fee: dict[str, Any] = {
        "reference": f"BF-{b32encode(new.bytes[-8:])[:13].decode()}",
        "registration": body.registration,
        "student": student.id,
        "schedule": body.schedule,
        "schedule_version": version,
        "lines": [
            models.Line(
                head=rule["head"],
                why=rule["title"] + why,
                amount=models.Money(minor=rule["amount"], currency=currency),
            )
            for rule in prices
        ],
        "total": total,
    }
    event = models.FeeSubmitted(**fee, at=now, subject=new, schedule_title=schedule["title"], zone=schedule["zone"])
    submission = models.Submission(
        **fee,
        id=new,
        papers=body.papers,
        practicals=body.practicals,
        instalments=[models.Instalment(amount=total)],
        received_at=at,
        submitted_at=now,
    )
    return submission, event


def rows(models: ModuleType, fee: Any, event: Any, key: str, fingerprint: bytes) -> tuple[str, list[tables.Table]]:
    """Return the answer to a submission, and its rows: itself, its event, the outbox entry, the stored answer."""
    answer = models.encode(fee)
    submission = tables.Submission(
        id=fee.id,
        reference=fee.reference,
        student_id=fee.student,
        schedule=fee.schedule,
        schedule_version=fee.schedule_version,
        state=fee.state,
        total_minor=fee.total.minor,
        currency=fee.total.currency,
        received_at=fee.received_at,
        document=answer,
    )
    logged = a_uuid()
    log = tables.LoggedEvent(
        event_id=logged,
        context="fees",
        type="FeeSubmitted",
        aggregate_id=fee.id,
        aggregate_version=1,
        at=event.at,
        body=models.encode(event),
        request_id="",
        traceparent="",
    )
    outbox = tables.OutboxEntry(event_id=logged, shard=crc32(fee.id.bytes) % 64)
    answered = tables.Answered(
        scope=SCOPE, idempotency_key=key, fingerprint=fingerprint, answer=answer.encode(), at=datetime.now(UTC)
    )
    return answer, [submission, log, outbox, answered]


async def first_answer(session: AsyncSession, key: str, fingerprint: bytes) -> bytes:
    """Return the stored answer of the same request, or raise the conflict."""
    known = await session.get(tables.Answered, (SCOPE, key))
    if known is None:
        raise Refused(409, "the candidate submitted this fee before")
    if known.fingerprint != fingerprint:
        raise Refused(422, "the key was used for another body")
    return known.answer


def a_uuid() -> UUID:
    """Return a UUID that sorts by its creation time."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
