"""The memory that incomplete bodies hold, on a server in a process of its own."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from entrypoints.http.server import reserve_files
from tests.integration.http_server import converse, get, post

MIB = 1024 * 1024
CONNECTIONS, UNDER_WAY = 1_500, 16 * MIB
FEE = b'{"schedule": "sahyadri-test", "registration": "T-%d"}'
LARGE, OF_ONE_READ, SMALL = 60_000, 30_000, 5
BYTES_OF_A_CONNECTION = 32 * 1024
"""Its objects and buffers; without a limit the bodies alone take 130 MiB."""


@dataclass
class Office:
    """The server, and the clients that do not finish."""

    port: int
    process: int
    clients: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    @property
    def memory(self) -> int:
        """Bytes of the process in the memory of the machine."""
        [kib] = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{self.process}/status").read_text())
        return int(kib) * 1024

    async def begin(self, path: str, body: bytes, left: int, media_type: str = "application/json") -> None:
        """Send a request without the last bytes of its body."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.clients.append((reader, writer))
        writer.write(post(path, body, "Idempotency-Key: k", media_type=media_type)[:-left])
        await writer.drain()

    async def counted(self, metric: str) -> float:
        [answer] = await converse(self.port, get("/metrics"))
        found = re.search(rf"^{re.escape(metric)} (\S+)$", answer.body.decode(), re.MULTILINE)
        return float(found[1]) if found else 0.0


StartOffice = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
async def start() -> AsyncIterator[StartOffice]:
    @asynccontextmanager
    async def started(under_way: int = UNDER_WAY) -> AsyncIterator[Office]:
        words = ("-m", "tests.integration.http_process", str(CONNECTIONS), str(under_way))
        child = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        assert child.stdin
        assert child.stdout
        office = Office(int(await child.stdout.readline()), child.pid)
        try:
            yield office
        finally:
            for _, writer in office.clients:
                writer.transport.abort()
            child.stdin.close()
            await child.wait()

    reserve_files(CONNECTIONS)
    yield started


CUT = 'bursar_http_refusals_total{reason="bytes_under_way"}'


@pytest.mark.alone
async def test_many_slow_bodies_hold_bounded_memory_and_no_submission_is_refused(start: StartOffice) -> None:
    async with start() as office:
        await office.begin("/v1/exam-fees", FEE % 99, SMALL)
        before = office.memory
        for number in range(CONNECTIONS - 100):
            path, media_type = [
                ("/v1/exam-fees", "application/json"),
                ("/v1/quotes", "application/json"),
                ("/v1/students:import", "text/csv"),
                ("/v1/exam-fees:batch", "application/x-ndjson"),
            ][number % 4]
            await office.begin(path, b" " * LARGE, 100, media_type)
            if number % 100 == 0:
                fee = post("/v1/exam-fees", FEE % (number // 100), f"Idempotency-Key: k-{number}", "Connection: close")
                assert [each.status for each in await converse(office.port, fee)] == [201]
        async with asyncio.timeout(10):
            while (CONNECTIONS - 100) - (cut := await office.counted(CUT)) > 1.05 * UNDER_WAY / LARGE:
                pass  # the last bodies are still being read
        grown = office.memory - before
        [(reader, writer), *_] = office.clients
        writer.write((FEE % 99)[-SMALL:])

        assert (await reader.readline()).startswith(b"HTTP/1.1 201")
        assert (CONNECTIONS - 100) - cut == pytest.approx(UNDER_WAY / LARGE, rel=0.05)
        assert grown < UNDER_WAY + CONNECTIONS * BYTES_OF_A_CONNECTION, f"{grown / MIB:.0f} MiB"


@pytest.mark.alone
async def test_the_slowest_of_large_uploads_is_cut_and_told_why(start: StartOffice) -> None:
    async with start(5 * OF_ONE_READ) as office:
        for _ in range(8):
            await office.begin("/v1/quotes", b" " * OF_ONE_READ, 100)
        answers = [await reader.read() for reader, _ in office.clients[:3]]

        assert [answer[:12] for answer in answers] == [b"HTTP/1.1 408"] * 3
        assert b"all uploads together are too large" in answers[0]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await office.clients[3][0].read(1)
        for _, writer in office.clients[3:]:
            writer.write(b" " * 100)
        assert (await office.clients[3][0].readline()).startswith(b"HTTP/1.1 400")


async def test_bytes_of_requests_that_end_or_leave_are_counted_no_longer(start: StartOffice) -> None:
    async with start(5 * LARGE) as office:
        for _ in range(10):
            for _ in range(4):
                await office.begin("/v1/quotes", b" " * LARGE, 100)
            for reader, writer in office.clients[:2]:
                writer.write(b" " * 100)
                await reader.readline()
            for _, writer in office.clients:
                writer.transport.abort()
            office.clients.clear()
            while await office.counted("bursar_http_connections") > 1:
                pass

        assert await office.counted(CUT) == 0
