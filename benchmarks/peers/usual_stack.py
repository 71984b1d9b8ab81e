"""The same endpoint in the usual stack, as idiomatic code: FastAPI, Pydantic, SQLAlchemy's ORM, asyncmy.

PEER_DATABASE=mysql+asyncmy://… uvicorn benchmarks.peers.usual_stack:app

It does less than the product: it supports only flat tariffs, exports no metrics, reads a stored answer only after a
duplicate key, and encodes its answer once for the client and the database.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers import pydantic_messages as models
from benchmarks.peers import tables
from benchmarks.peers.fees import JSON, Refused, current, first_answer, priced, rows

engine = create_async_engine(
    os.environ["PEER_DATABASE"], isolation_level="READ COMMITTED", pool_size=20, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


@app.exception_handler(Refused)
async def refused(_request: Request, error: Refused) -> JSONResponse:
    """Answer a request that is refused."""
    return JSONResponse({"detail": str(error)}, error.status)


async def a_session() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(a_session)]
Key = Annotated[str, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$")]


@app.post("/v1/exam-fees", status_code=201)
async def submit(body: models.ExamFeeBody, request: Request, session: Session, key: Key) -> Response:
    """Submit an exam fee; a repeated request with the same key and body gets the same answer."""
    received_at, fingerprint = datetime.now(UTC), sha256(await request.body()).digest()
    version, schedule = await current(session, body.schedule)
    student = await session.scalar(select(tables.Student).where(tables.Student.registration == body.registration))
    if student is None:
        raise Refused(404, "there is no such candidate")
    submission, event = priced(models, body, student, schedule, version, received_at)
    answer, stored = rows(models, submission, event, key, fingerprint)
    session.add_all(stored)
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        first = await first_answer(session, key, fingerprint)
        return Response(first, 201, {"Idempotency-Replayed": "true"}, JSON)
    return Response(answer, 201, media_type=JSON)
