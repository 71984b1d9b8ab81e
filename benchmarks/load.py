"""Clients in a process of their own: each keeps its connection, and asks again as soon as it is answered.

python -m benchmarks.load PORT CONNECTIONS SECONDS FIRST      candidates T-FIRST, T-FIRST+1, … each submit once
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"


class Client(asyncio.Protocol):
    """One connection, and one request at a time."""

    def __init__(self, requests: Iterator[bytes], run: "Run") -> None:
        self._requests, self._run, self._received = requests, run, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Ask again when the answer is complete."""
        self._received += data
        head, found, body = self._received.partition(HEAD_END)
        if not found or len(body) < length(head):
            return
        self._run.note(head[9:12].decode(), time.perf_counter() - self._asked)
        self._received = b""
        if self._run.open:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Tell that one less is under way."""
        self._run.left()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


class Run:
    """What all connections see together."""

    def __init__(self, connections: int, seconds: float) -> None:
        self._under_way, self._began = connections, time.perf_counter()
        self._end = self._began + seconds
        self.took: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.done = asyncio.Event()

    @property
    def open(self) -> bool:
        """Whether there is time for more."""
        return time.perf_counter() < self._end

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.perf_counter() - self._began

    def note(self, status: str, took: float) -> None:
        """Count one answer."""
        self.statuses[status] += 1
        self.took.append(took)

    def left(self) -> None:
        """Count one connection less."""
        self._under_way -= 1
        if not self._under_way:
            self.done.set()


def length(head: bytes) -> int:
    """Return the length of the body."""
    after = head.lower().partition(b"content-length:")[2]
    return int(after.split(b"\r\n", 1)[0])


def submissions(port: int, first: int) -> Iterator[bytes]:
    """Return requests of one candidate after another."""
    for number in count(first):
        body = json.dumps(
            {"schedule": "sahyadri-test", "registration": f"T-{number}", "papers": ["041", "042"]}
        ).encode()
        yield (
            f"POST /v1/exam-fees HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Idempotency-Key: load-{number}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode() + body


async def load(port: int, connections: int, seconds: float, first: int) -> dict[str, object]:
    """Submit for so many seconds."""
    run, requests = Run(connections, seconds), submissions(port, first)
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *(loop.create_connection(lambda: Client(requests, run), "127.0.0.1", port) for _ in range(connections))
    )
    await run.done.wait()
    took = sorted(run.took)
    return {
        "rate": len(took) / run.seconds,
        "p50_ms": took[len(took) // 2] * 1_000,
        "p99_ms": took[int(len(took) * 0.99)] * 1_000,
        "answers": run.statuses,
    }


if __name__ == "__main__":
    port, connections, seconds, first = sys.argv[1:]
    print(json.dumps(uvloop.run(load(int(port), int(connections), float(seconds), int(first)))))  # noqa: T201
