"""The same endpoint in the stack that Litestar's own template uses: Litestar, Advanced Alchemy, msgspec, asyncmy.

PEER_DATABASE=mysql+asyncmy://… uvicorn benchmarks.peers.litestar_stack:app

It does as little as the other peer. Its rows are flushed together, not by one repository after the other.
"""

import os
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, Any

from advanced_alchemy.extensions.litestar import AsyncSessionConfig, EngineConfig, SQLAlchemyAsyncConfig
from advanced_alchemy.extensions.litestar import SQLAlchemyInitPlugin as AlchemyPlugin
from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from litestar import Litestar, Request, Response, post
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, JSONBody
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from benchmarks.peers import msgspec_messages as models
from benchmarks.peers import tables
from benchmarks.peers.fees import JSON, Refused, current, first_answer, priced, rows

alchemy = SQLAlchemyAsyncConfig(
    connection_string=os.environ["PEER_DATABASE"],
    engine_config=EngineConfig(isolation_level="READ COMMITTED", pool_size=20, max_overflow=0),
    session_config=AsyncSessionConfig(expire_on_commit=False),
)


class Students(SQLAlchemyAsyncRepository[Any]):
    """The roster."""

    model_type = tables.Student


async def provide_students(db_session: NamedDependency[AsyncSession]) -> Students:
    """Return the repository of a request."""
    return Students(session=db_session)


@post("/v1/exam-fees", dependencies={"students": Provide(provide_students)})
async def submit(
    data: JSONBody[models.ExamFeeBody],
    request: Request[Any, Any, Any],
    db_session: NamedDependency[AsyncSession],
    students: NamedDependency[Students],
    key: Annotated[str, HeaderParameter(name="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,255}$")],
) -> Response[Any]:
    """Submit an exam fee; a repeated request with the same key and body gets the same answer."""
    received_at, fingerprint = datetime.now(UTC), sha256(await request.body()).digest()
    version, schedule = await current(db_session, data.schedule)
    student = await students.get_one_or_none(registration=data.registration)
    if student is None:
        raise Refused(404, "there is no such candidate")
    submission, event = priced(models, data, student, schedule, version, received_at)
    answer, stored = rows(models, submission, event, key, fingerprint)
    db_session.add_all(stored)
    try:
        await db_session.commit()
    except IntegrityError:
        await db_session.rollback()
        first = await first_answer(db_session, key, fingerprint)
        return Response(first, status_code=201, headers={"Idempotency-Replayed": "true"}, media_type=JSON)
    return Response(answer, status_code=201, media_type=JSON)


def refused(_request: Request[Any, Any, Any], error: Refused) -> Response[Any]:
    """Answer a request that is refused."""
    return Response({"detail": str(error)}, status_code=error.status)


app = Litestar(
    [submit], plugins=[AlchemyPlugin(config=alchemy)], exception_handlers={Refused: refused}, logging_config=None
)
