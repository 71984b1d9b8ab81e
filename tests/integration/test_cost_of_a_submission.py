"""The cost of a submission and of a read under load, in counts that do not depend on the machine."""

import asyncio
import gc
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest
from litestar.types import ASGIApp
from sqlalchemy import event, select
from structlog.testing import capture_logs

from adapters.sql.fees.tables import submissions
from config.container import Application
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import http_app

CROWD, ROUNDS = 64, 5
MAX_PYTHON_CALLS_PER_SUBMISSION, MAX_PYTHON_CALLS_PER_READ = 428, 255
"""The limits: one fifth above the present cost, so that an increase is noticed."""
pytestmark = [pytest.mark.alone, pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)]


async def submit(app: ASGIApp, number: int) -> int:
    """Submit over ASGI, and return the status."""
    fee = {"schedule": "sahyadri-test", "registration": f"T-{number}", "papers": ["041", "042"]}
    headers = [(b"content-type", b"application/json"), (b"idempotency-key", b"key-%d" % number)]
    return await request(app, "POST", "/v1/exam-fees", headers, json.dumps(fee).encode())


async def request(app: ASGIApp, method: str, path: str, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> int:
    """Send a request over ASGI, and return the status."""
    scope: Any = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": headers,
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        statuses.extend([message["status"]] if message["type"] == "http.response.start" else [])

    await app(scope, receive, send)
    return statuses[0]


async def deadline_day(application: Application) -> ASGIApp:
    """Open the application, and serve concurrent submissions to fill its caches."""
    await publish(application, a_schedule("sahyadri-test"))
    await enrol(application, *(a_student(number) for number in range(CROWD * (ROUNDS + 1))))
    app = http_app(application)
    assert set(await asyncio.gather(*(submit(app, number) for number in range(CROWD)))) == {201}
    return app


async def concurrent_batches_of_submissions(app: ASGIApp) -> int:
    """Run rounds of concurrent submissions, and return the number of submissions."""
    for crowd in range(1, ROUNDS + 1):
        numbers = range(crowd * CROWD, (crowd + 1) * CROWD)
        assert set(await asyncio.gather(*(submit(app, number) for number in numbers))) == {201}
    return CROWD * ROUNDS


@contextmanager
def calls() -> Iterator[Counter[str]]:
    """Count calls of Python functions."""
    seen: Counter[str] = Counter()

    def note(_frame: FrameType, what: str, _argument: object) -> None:
        seen[what] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


async def test_concurrent_submissions_cost_few_database_statements(stored: Application) -> None:
    app, seen = await deadline_day(stored), Counter[str]()
    database = stored.storage.database()
    event.listen(database.engine.sync_engine, "commit", lambda _: seen.update(["transactions"]))
    for engine in (database.engine, database.reader):
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: seen.update(["statements"]))

    submitted = await concurrent_batches_of_submissions(app)

    assert submitted / seen["transactions"] >= CROWD / 2, "submissions in a transaction"
    assert seen["statements"] / submitted <= 0.1


async def test_a_submission_logs_one_line(stored: Application) -> None:
    app = await deadline_day(stored)

    with capture_logs() as lines:
        submitted = await concurrent_batches_of_submissions(app)

    assert Counter(line["event"] for line in lines) == {"request": submitted}


async def test_a_submission_leaves_nothing_to_the_garbage_collector(stored: Application) -> None:
    app = await deadline_day(stored)
    gc.collect()
    gc.disable()
    try:
        submitted = await concurrent_batches_of_submissions(app)
        found = gc.collect()
    finally:
        gc.enable()

    assert found < submitted, "objects in cycles; what runs beside the submissions may leave some"


async def test_a_submission_takes_no_more_calls_than_it_did(stored: Application) -> None:
    app = await deadline_day(stored)

    with capture_logs(), calls() as seen:
        submitted = await concurrent_batches_of_submissions(app)

    assert seen["call"] / submitted <= MAX_PYTHON_CALLS_PER_SUBMISSION, (
        "functions called, without those in C and those that write the log"
    )


async def test_a_read_by_id_takes_no_more_calls_than_it_did(stored: Application) -> None:
    app = await deadline_day(stored)
    async with stored.storage.database().reading() as connection:
        ids = (await connection.scalars(select(submissions.c.id))).all()

    async def read_all() -> None:
        statuses = await asyncio.gather(*(request(app, "GET", f"/v1/exam-fees/{each}", [], b"") for each in ids))
        assert set(statuses) == {200}

    await read_all()
    with capture_logs(), calls() as seen:
        await read_all()

    assert seen["call"] / len(ids) <= MAX_PYTHON_CALLS_PER_READ
