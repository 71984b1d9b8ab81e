"""The cost of HTTP itself, in calls of Python functions, which do not depend on the machine."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from structlog.testing import capture_logs

from config.container import Application
from config.container.application import running
from config.settings import Adapters, Settings
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext
from entrypoints.routes import ROUTES
from tests.examples import a_submission
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import served

REQUESTS = 20
MAX_CALLS_PER_SUBMISSION, MAX_CALLS_PER_READ = 197, 164
"""The limits: three calls above the present cost, which is less than what a layer around the handler takes."""
FEE = json.dumps({"schedule": "load", "registration": "T-1", "papers": ["041", "042"]}).encode()
PREPARED, _ = a_submission()


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        yield application


async def answer(_wish: ExamFeeSubmission, _request: RequestContext) -> Submission:
    """Return the same submission for every request."""
    return PREPARED


async def find(_name: str) -> Submission:
    """Return the same record for every name."""
    return PREPARED


@contextmanager
def calls_of_the_server() -> Iterator[Counter[str]]:
    """Count calls of functions of the program and its libraries by file: none of the event loop or the client."""
    seen: Counter[str] = Counter()

    def note(frame: FrameType, what: str, _argument: object) -> None:
        file = frame.f_code.co_filename
        if what == "call" and "asyncio" not in file and "/tests/" not in file:
            seen[file] += 1

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(before)


async def calls_per_request(application: Application, head: str, body: bytes = b"") -> float:
    """Return the calls of an authenticated request, which takes effect in a stub."""
    use_cases = application.use_cases()
    stubs: Any = {"submit_exam_fee": answer, "show_exam_fee": find}
    use_cases.fees = replace(use_cases.fees, **stubs)
    key = await an_api_key(application)
    request = (
        f"{head} HTTP/1.1\r\nhost: fees.example\r\nauthorization: Bearer {key}\r\nidempotency-key: key-1\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    ).encode() + body
    async with served(application, app=http_app(application, use_cases=use_cases, keyed=False)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        statuses = {await status(reader, writer, request) for _ in range(REQUESTS)}  # fills caches
        with capture_logs(), calls_of_the_server() as seen:
            statuses |= {await status(reader, writer, request) for _ in range(REQUESTS)}
        writer.close()
        await writer.wait_closed()
    assert len(statuses) == 1 and statuses < {200, 201}
    return seen.total() / REQUESTS


async def status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    """Send a request, and return the status of its answer, whose body is read."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.splitlines() if line.startswith(b"content-length: "))
    await reader.readexactly(int(length.partition(b": ")[2]))
    return int(head.split()[1])


async def test_a_submission_takes_no_more_calls_than_it_did(application: Application) -> None:
    assert await calls_per_request(application, "POST /v1/exam-fees", FEE) <= MAX_CALLS_PER_SUBMISSION


async def test_reading_an_exam_fee_takes_no_more_calls_than_it_did(application: Application) -> None:
    assert await calls_per_request(application, "GET /v1/exam-fees/BF-1") <= MAX_CALLS_PER_READ
