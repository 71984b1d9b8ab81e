"""Timelines as server-sent events over real sockets: two servers on one database, and what a client can send."""

import asyncio
import gc
import json
import socket
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from config.container import Application, running
from config.sections.http import Http
from config.sections.servers import SQLite
from config.settings import Adapters, Settings
from core.fees.submission import FeeSubmitted, Submission
from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from core.payments.events import FeeClearanceRevoked
from entrypoints.http.fees.timeline_streams import StreamTimes
from entrypoints.runtime.transports import Transports
from tests.applications import an_application
from tests.contract.test_timelines import log, of_account
from tests.databases import DatabasePool, statements
from tests.examples import a_student, a_submission, enrol
from tests.integration.admission import an_access_token, an_api_key, http_app
from tests.integration.http_server import converse, served
from tests.units_of_work import any_work

SUBMITTED, CLEARED, REVOKED = "FeeSubmitted", "FeeCleared", "FeeClearanceRevoked"


@dataclass
class Stream:
    """A stream as its client reads it."""

    lines: AsyncIterator[str]
    head: httpx.Headers
    last: str = ""
    comments: int = 0
    ended: str = ""
    text: list[str] = field(default_factory=list)

    async def read(self, wanted: int) -> list[str]:
        """Return what the next steps are; fewer at the end of the stream."""
        found, name = list[str](), ""
        async with asyncio.timeout(10):
            while len(found) < wanted and (line := await anext(self.lines, None)) is not None:
                self.text.append(line)
                key, _, value = line.partition(": ")
                self.comments += line.startswith(":")
                name = value if key == "event" else name
                if key == "data" and name == "end":
                    self.ended = json.loads(value)["reason"]
                elif key == "data":
                    step = json.loads(value)
                    self.last = step["id"]
                    found.append(step["what"])
        return found


@asynccontextmanager
async def stream(port: int, fee: FeeSubmitted, key: str, last: str = "", query: str = "") -> AsyncIterator[Stream]:
    """Follow the timeline of a fee."""
    headers = {"Authorization": f"Bearer {key}"} | ({"Last-Event-ID": last} if last else {})
    async with (
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client,
        client.stream("GET", f"/v1/exam-fees/{fee.subject}/timeline{query}") as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Stream(answer.aiter_lines(), answer.headers)


async def refused(port: int, name: Any, key: str, **headers: bytes) -> tuple[int, str, httpx.Headers]:
    """Ask for a timeline; return the status, the type of the problem and the headers."""
    sent: Any = {"Authorization": f"Bearer {key}".encode()}
    sent |= {each.replace("_", "-"): value for each, value in headers.items()}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=sent) as client:
        answer = await client.get(f"/v1/exam-fees/{name}/timeline?follow=false")
    return answer.status_code, answer.json()["type"].rpartition(":")[2], answer.headers


@dataclass
class Office:
    """Two processes on one database."""

    settings: Settings
    first: Application
    second: Application

    async def submit(self, number: int = 1, centre: str = "") -> FeeSubmitted:
        """Store a submission of a candidate of a centre."""
        student = a_student(number, centre=centre)
        await enrol(self.first, student)
        submission, event = a_submission(student.id)
        await self.store(submission, event)
        return event

    async def store(self, submission: Submission, event: FeeSubmitted) -> None:
        async with any_work(self.first) as work:
            work.submissions.add(submission)
            work.record(event)
            await work.commit()

    async def key(self, **fields: Any) -> str:
        return await an_api_key(self.first, **fields)


@pytest.fixture
async def office(tmp_path: Path, prepared: DatabasePool) -> AsyncIterator[Office]:
    http = Http(max_streams=3, max_streams_per_account=2)
    chosen = Settings(
        adapters=Adapters(persistence="sqlite"), sqlite=SQLite(path=str(tmp_path / "bursar.db")), http=http
    )
    async with prepared.acquire(chosen) as settings, AsyncExitStack() as opened:
        first, second = [await opened.enter_async_context(running(an_application(settings))) for _ in range(2)]
        yield Office(settings, first, second)


def keyless(application: Application, **times: Any) -> Any:
    """Return the API as its clients meet it."""
    return http_app(application, keyed=False, stream_times=StreamTimes(**times))


async def test_a_stream_goes_on_at_another_server_without_a_step_missed_or_repeated(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    async with (
        served(office.first, app=keyless(office.first)) as one,
        served(office.second, app=keyless(office.second)) as other,
    ):
        async with stream(one, fee, key) as before:
            assert await before.read(1) == [SUBMITTED]
            await log(office.second, of_account(fee, 1))  # of another process
            assert await before.read(1) == [CLEARED]
        await log(office.first, of_account(fee, 2, FeeClearanceRevoked))
        async with stream(other, fee, key, before.last) as after:
            assert await after.read(1) == [REVOKED]
            await log(office.first, of_account(fee, 3))
            assert await after.read(1) == [CLEARED]
        async with stream(other, fee, key, after.last, "?follow=false") as rest:
            assert await rest.read(1) == []


async def test_a_stream_is_neither_stored_nor_buffered_on_its_way(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    async with served(office.first, app=keyless(office.first)) as port, stream(port, fee, key) as followed:
        await followed.read(1)

    head = followed.head
    assert head["content-type"] == "text/event-stream; charset=utf-8"
    assert (head["cache-control"], head["x-accel-buffering"]) == ("no-store", "no")
    assert "content-length" not in head
    assert "content-encoding" not in head
    assert followed.text[0].startswith("retry: ")
    assert 1_000 <= int(followed.text[0].removeprefix("retry: ")) <= 5_000


async def test_the_present_steps_alone_end_the_stream(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    async with served(office.first, app=keyless(office.first)) as port:
        async with stream(port, fee, key, query="?follow=false") as followed:
            assert await followed.read(9) == [SUBMITTED]
        [head] = await converse(port, a_head(fee, key), methods=("HEAD",))

    assert followed.ended == "complete"
    assert (head.status, head.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def a_head(fee: FeeSubmitted, key: str, *lines: str, method: str = "HEAD") -> bytes:
    more = "".join(f"{line}\r\n" for line in ("Host: office", f"Authorization: Bearer {key}", *lines))
    return f"{method} /v1/exam-fees/{fee.subject}/timeline HTTP/1.1\r\n{more}Connection: close\r\n\r\n".encode()


async def test_a_stream_without_steps_has_comments_and_ends_when_it_is_old(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    app = keyless(office.first, heartbeat_seconds=0.02, max_seconds=0.3)
    async with served(office.first, app=app) as port, stream(port, fee, key) as followed:
        assert await followed.read(9) == [SUBMITTED]

    assert followed.comments >= 3
    assert followed.ended == "renew"


@pytest.mark.parametrize("by", ["key", "session"])
async def test_a_stream_ends_with_its_credential(office: Office, by: str) -> None:
    fee, identity = await office.submit(), office.first.use_cases().identity
    credential = await (office.key() if by == "key" else an_access_token(office.first))
    app = keyless(office.first, heartbeat_seconds=0.05)
    async with served(office.first, app=app) as port, stream(port, fee, credential) as followed:
        assert await followed.read(1) == [SUBMITTED]
        with acting_as(SYSTEM):
            if by == "key":
                [key] = (await identity.list_api_keys(None, None, 100)).items
                await identity.revoke_api_key(key.id)
            else:
                with acting_as(await identity.authenticate_session(credential)):
                    await identity.end_sessions()
        await log(office.first, of_account(fee, 1))
        seen = await followed.read(9)

    assert followed.ended == "access-ended"
    assert seen in ([], [CLEARED])  # the end of an access takes effect within a second


async def test_more_streams_than_allowed_are_refused_until_one_ends(office: Office) -> None:
    fee, key, others = await office.submit(), await office.key(), await office.key()
    async with served(office.first, app=keyless(office.first)) as port, AsyncExitStack() as opened:
        one = await opened.enter_async_context(AsyncExitStack())
        streams = [
            await scope.enter_async_context(stream(port, fee, credential))
            for scope, credential in ((one, key), (opened, key), (opened, others))
        ]
        assert [await each.read(1) for each in streams] == 3 * [[SUBMITTED]]
        of_account_, of_process = await refused(port, fee.subject, key), await refused(port, fee.subject, others)
        await one.aclose()
        async with asyncio.timeout(10):
            while office.first.fees.timeline_watch()._followers.total() > 2:
                await asyncio.sleep(0.01)
        async with stream(port, fee, others, query="?follow=false") as followed:
            assert await followed.read(1) == [SUBMITTED]

    for status, kind, headers in (of_account_, of_process):
        assert (status, kind, headers["retry-after"]) == (429, "too-many-followers", "5")


async def test_a_clerk_of_another_centre_follows_nothing(office: Office) -> None:
    fee = await office.submit(centre="SU-PUNE")
    own, other = [await office.key(role=Role.CLERK, centre=each) for each in ("SU-PUNE", "DEL-014")]
    async with served(office.first, app=keyless(office.first)) as port:
        async with stream(port, fee, own) as followed:
            assert await followed.read(1) == [SUBMITTED]
        assert (await refused(port, fee.subject, other))[:2] == (404, "unknown-exam-fee")
        assert (await refused(port, fee.subject, "bursar_nothing"))[:2] == (401, "not-authenticated")


async def test_a_forged_or_malformed_last_event_is_refused(office: Office) -> None:
    fee, other, key = await office.submit(), await office.submit(2), await office.key()
    async with served(office.first, app=keyless(office.first)) as port:
        async with stream(port, other, key) as followed:
            await followed.read(1)
        for last in (followed.last, "00000000-0000-0000-0000-000000000000", "1", "x" * 8_000, "\u00e9"):
            status, kind, _ = await refused(port, fee.subject, key, Last_Event_ID=last.encode("latin-1"))
            assert (status, kind) == (400, "unknown-timeline-step"), last
        [split] = await converse(port, a_head(fee, key, "Last-Event-ID: 1\n x: y", method="GET"))
        assert split.status == 400


async def test_five_hundred_followers_cost_one_query_an_event(office: Office) -> None:
    fee, watch = await office.submit(), office.first.fees.timeline_watch()
    watch.max_followers = watch.max_per_subject = 1_000
    with acting_as(SYSTEM):
        followed = [await office.first.use_cases().fees.follow_timeline(str(fee.subject)) for _ in range(500)]
        await log(office.second, of_account(fee, 1))
        asked = statements(office.first)
        woken = asyncio.Event()
        followed[-1].wake = woken.set
        await asyncio.wait_for(woken.wait(), 10)
    number = len(asked)
    for each in followed:
        assert [step.what for step in each.unseen()] == [SUBMITTED, CLEARED]
        each.close()

    assert 2 <= number <= 3, number  # one finds the event, one reads its timeline; a poll before may find nothing


@pytest.mark.alone
async def test_an_idle_stream_costs_less_than_16_kib(office: Office) -> None:
    fee, key, watch = await office.submit(), await office.key(), office.first.fees.timeline_watch()
    watch.max_followers = watch.max_per_subject = 1_000
    clients, loop = [socket.socket() for _ in range(200)], asyncio.get_running_loop()
    request = a_head(fee, key, method="GET").replace(b"Connection: close\r\n", b"")

    async def follow(some: list[socket.socket]) -> None:
        for each in some:
            each.setblocking(False)
            await loop.sock_connect(each, ("127.0.0.1", port))
            await loop.sock_sendall(each, request)
            assert b"200" in await loop.sock_recv(each, 16)

    async with served(office.first, app=keyless(office.first)) as port:
        await follow(clients[:50])  # what all streams share
        gc.collect()
        tracemalloc.start()
        await follow(clients[50:])
        gc.collect()
        bytes_each = tracemalloc.get_traced_memory()[0] / 150
        tracemalloc.stop()
        for each in clients:
            each.close()

    assert bytes_each < 16 * 1024


async def test_streams_end_at_once_when_the_process_ends(office: Office) -> None:
    fee, key = await office.submit(), await office.key()
    settings = msgspec.structs.replace(office.settings, http=Http(port=0, drain_seconds=60))
    transports, stop = Transports(office.first, settings, office.first.use_cases()), asyncio.Event()
    with transports.listen() as listening:
        [loop] = transports.start("http", listening, stop)
        serving, port = asyncio.ensure_future(loop), listening.getsockname()[1]
        async with stream(port, fee, key) as followed:
            assert await followed.read(1) == [SUBMITTED]
            stop.set()
            assert await followed.read(9) == []
        async with stream(port, fee, key) as late:  # of a client whose gateway does not know yet
            assert await late.read(9) == [SUBMITTED]
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)

    assert (followed.ended, late.ended) == ("restart", "restart")
