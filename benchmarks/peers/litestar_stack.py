"""The same endpoint as Litestar's users write it: Litestar, msgspec, SQLAlchemy's ORM, asyncmy.

PEER_DATABASE=mysql+asyncmy://… uvicorn benchmarks.peers.litestar_stack:app

It does as little as the other peer. The repositories and services of Litestar's template are left out: they add only
calls, and Litestar imports them wherever they are installed, so that Bursar would start later on this machine.
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from litestar import Litestar, Request, Response, post
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, JSONBody
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from benchmarks.peers import msgspec_messages as models
from benchmarks.peers import tables
from benchmarks.peers.fees import JSON, Refused, current, first_answer, priced, rows

engine = create_async_engine(
    os.environ["PEER_DATABASE"], isolation_level="READ COMMITTED", pool_size=20, max_overflow=0
)
sessions = async_sessionmaker(engine, expire_on_commit=False)


async def a_session() -> AsyncIterator[AsyncSession]:
    """Yield a session for one request."""
    async with sessions() as session:
        yield session


@post("/v1/exam-fees", dependencies={"session": Provide(a_session)})
async def submit(
    data: JSONBody[models.ExamFeeBody],
    request: Request[Any, Any, Any],
    session: NamedDependency[AsyncSession],
    key: Annotated[str, HeaderParameter(name="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$")],
) -> Response[Any]:
    """Submit an exam fee; a repeated request with the same key and body gets the same answer."""
    received_at, fingerprint = datetime.now(UTC), sha256(await request.body()).digest()
    version, schedule = await current(session, data.schedule)
    student = await session.scalar(select(tables.Student).where(tables.Student.registration == data.registration))
    if student is None:
        raise Refused(404, "there is no such candidate")
    submission, event = priced(models, data, student, schedule, version, received_at)
    answer, stored = rows(models, submission, event, key, fingerprint)
    session.add_all(stored)
    try:
        await session.commit()
    except IntegrityError:
        await session.rollback()
        first = await first_answer(session, key, fingerprint)
        return Response(first, status_code=201, headers={"Idempotency-Replayed": "true"}, media_type=JSON)
    return Response(answer, status_code=201, media_type=JSON)


def refused(_request: Request[Any, Any, Any], error: Refused) -> Response[Any]:
    """Answer a request that is refused."""
    return Response({"detail": str(error)}, status_code=error.status)


app = Litestar([submit], exception_handlers={Refused: refused}, logging_config=None)
