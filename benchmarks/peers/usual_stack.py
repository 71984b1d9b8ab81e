"""The same endpoint in the usual stack, as idiomatic code: FastAPI, Pydantic, SQLAlchemy's ORM, asyncmy.

PEER_DATABASE=mysql+asyncmy://… uvicorn benchmarks.peers.usual_stack:app

It does less than the product: it supports only flat tariffs, exports no metrics, reads a stored answer only after a
duplicate key, and encodes its answer once for the client and the database.
"""

import json
import os
from base64 import b32encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any
from uuid import UUID
from zlib import crc32

import uuid_utils
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers import tables
from benchmarks.peers.messages import ExamFeeBody, FeeSubmitted, Instalment, Line, Money, Submission

SCOPE, JSON = "POST /v1/exam-fees", "application/json"
engine = create_async_engine(
    os.environ["PEER_DATABASE"], isolation_level="READ COMMITTED", pool_size=20, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
schedules: dict[str, tuple[int, dict[str, Any]]] = {}
"""Version and document of each schedule that this process has read."""
app = FastAPI()


async def a_session() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(a_session)]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$")]


@app.post("/v1/exam-fees", status_code=201)
async def submit(body: ExamFeeBody, request: Request, session: Session, key: Key) -> Response:
    """Submit an exam fee; a repeated request with the same key and body gets the same answer."""
    received_at, fingerprint = datetime.now(UTC), sha256(await request.body()).digest()
    version, schedule = await current(session, body.schedule)
    student = await session.scalar(select(tables.Student).where(tables.Student.registration == body.registration))
    if student is None:
        raise HTTPException(404, "there is no such candidate")
    submission, event = priced(body, student, schedule, version, received_at)
    answer = submission.model_dump_json()
    session.add_all(rows(submission, answer, event))
    session.add(
        tables.Answered(
            scope=SCOPE, idempotency_key=key, fingerprint=fingerprint, answer=answer.encode(), at=datetime.now(UTC)
        )
    )
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        first = await first_answer(session, key, fingerprint)
        return Response(first, 201, {"Idempotency-Replayed": "true"}, JSON)
    return Response(answer, 201, media_type=JSON)


async def current(session: AsyncSession, code: str) -> tuple[int, dict[str, Any]]:
    """Return the newest version of a schedule, which this process reads once."""
    if code not in schedules:
        newest = select(tables.FeeSchedule).where(tables.FeeSchedule.code == code)
        found = await session.scalar(newest.order_by(tables.FeeSchedule.version.desc()).limit(1))
        if found is None:
            raise HTTPException(404, "there is no such schedule")
        schedules[code] = found.version, json.loads(found.document)
    return schedules[code]


def priced(
    body: ExamFeeBody, student: tables.Student, schedule: dict[str, Any], version: int, received_at: datetime
) -> tuple[Submission, FeeSubmitted]:
    """Add up the flat amounts of a schedule."""
    if student.category not in schedule["categories"]:
        raise HTTPException(409, "the schedule has no such category")
    new, now, currency = a_uuid(), datetime.now(UTC), schedule["currency"]
    why, prices = f", category {student.category}", schedule["rules"]
    total = Money(minor=sum(rule["amount"] for rule in prices), currency=currency)
    fee: dict[str, Any] = {
        "reference": f"BF-{b32encode(new.bytes[-8:])[:13].decode()}",
        "registration": body.registration,
        "student": student.id,
        "schedule": body.schedule,
        "schedule_version": version,
        "lines": [
            Line(head=rule["head"], why=rule["title"] + why, amount=Money(minor=rule["amount"], currency=currency))
            for rule in prices
        ],
        "total": total,
    }
    event = FeeSubmitted(**fee, at=now, subject=new, schedule_title=schedule["title"], zone=schedule["zone"])
    submission = Submission(
        **fee,
        id=new,
        papers=body.papers,
        practicals=body.practicals,
        instalments=[Instalment(amount=total)],
        received_at=received_at,
        submitted_at=now,
    )
    return submission, event


def rows(fee: Submission, document: str, event: FeeSubmitted) -> list[tables.Table]:
    """Return the rows of a submission: itself, its event, and its outbox entry."""
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
        document=document,
    )
    logged, body = a_uuid(), event.model_dump_json()
    log = tables.LoggedEvent(
        event_id=logged,
        context="fees",
        type="FeeSubmitted",
        aggregate_id=fee.id,
        aggregate_version=1,
        at=event.at,
        body=body,
        request_id="",
        traceparent="",
    )
    return [submission, log, tables.OutboxEntry(event_id=logged, shard=crc32(fee.id.bytes) % 64)]


async def first_answer(session: AsyncSession, key: str, fingerprint: bytes) -> bytes:
    """Return the stored answer of the same request, or raise the conflict."""
    known = await session.get(tables.Answered, (SCOPE, key))
    if known is None:
        raise HTTPException(409, "the candidate submitted this fee before")
    if known.fingerprint != fingerprint:
        raise HTTPException(422, "the key was used for another body")
    return known.answer


def a_uuid() -> UUID:
    """Return a UUID that sorts by its creation time."""
    return UUID(bytes=uuid_utils.uuid7().bytes)
