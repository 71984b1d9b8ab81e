"""An open-loop load generator: a constant rate of submissions, each sent again after its `Retry-After`.

python -m benchmarks.open_loop_load PORT CONNECTIONS RATE SECONDS FIRST      candidates T-FIRST, T-FIRST+1, …
"""

import asyncio
import heapq
import json
import os
import sys
import time
from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import uvloop

TICK_SECONDS = 0.005
API_KEYS_VARIABLE = "BURSAR_BENCHMARK_API_KEYS"
API_KEYS = os.environ.get(API_KEYS_VARIABLE, "").split()
HEAD = "POST /v1/exam-fees HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@dataclass(slots=True, order=True)
class PendingSubmission:
    """One candidate, until the fee is accepted."""

    due: float
    number: int
    intent: str = ""

    def request(self) -> bytes:
        """Return the bytes of the request."""
        body = f'{{"schedule": "sahyadri-test", "registration": "T-{self.number}", "papers": ["041", "042"]}}'
        sender = f"Authorization: Bearer {API_KEYS[self.number % len(API_KEYS)]}\r\n"
        token = f"Submission-Intent: {self.intent}\r\n" if self.intent else ""
        head = f"{HEAD}{sender}Idempotency-Key: flood-{self.number}\r\n{token}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Client(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd, self._received = crowd, b""
        self._wish: PendingSubmission | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Create an idle connection."""
        self._transport = cast(asyncio.Transport, transport)
        self._crowd.idle.append(self)

    def submit(self, demand: PendingSubmission) -> None:
        """Send the request of a candidate."""
        self._wish, self._asked = demand, time.perf_counter()
        self._transport.write(demand.request())

    def data_received(self, data: bytes) -> None:
        """Pass a complete response to the load generator."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        lines = {name.lower(): value for name, _, value in (line.partition(b": ") for line in head.split(b"\r\n"))}
        if not found or len(body) < int(lines[b"content-length"]):
            return
        self._received, demand, self._wish = b"", self._wish, None
        assert demand is not None  # noqa: S101 - a response without a request is a programming error
        self._crowd.answered(demand, head[9:12].decode(), lines, time.perf_counter() - self._asked)
        self._crowd.idle.append(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count a request without a response."""
        self._crowd.closed += 1
        if self._wish is not None:
            self._crowd.statuses["lost"] += 1
        elif self in self._crowd.idle:
            self._crowd.idle.remove(self)


class Crowd:
    """All candidates and the results."""

    def __init__(self, first: int) -> None:
        self.idle: deque[Client] = deque()
        self.statuses: Counter[str] = Counter()
        self.closed = 0
        """Connections that a server or a gateway has closed."""
        self.took: defaultdict[str, array[float]] = defaultdict(lambda: array("f"))
        self._waiting: list[PendingSubmission] = []
        self._next = first

    def answered(self, demand: PendingSubmission, status: str, lines: dict[bytes, bytes], took: float) -> None:
        """Count a response, and schedule the retry that it asks for; a gateway's own 503 has no intent."""
        intent = lines.get(b"submission-intent")
        kind = f"{status} of the gateway" if status >= "500" and intent is None else status
        self.statuses[kind] += 1
        self.took[kind].append(took * 1_000)
        if status >= "500":
            demand.due = time.perf_counter() + float(lines.get(b"retry-after", b"1"))
            demand.intent = intent.decode() if intent else demand.intent
            heapq.heappush(self._waiting, demand)

    def demand(self) -> PendingSubmission:
        """Return the next candidate whose retry is due, or a new one."""
        if self._waiting and self._waiting[0].due <= time.perf_counter():
            return heapq.heappop(self._waiting)
        self._next += 1
        return PendingSubmission(0, self._next - 1)


async def submit_open_loop(port: int, connections: int, rate: float, seconds: float, first: int) -> dict[str, object]:
    """Submit for a number of seconds; a candidate without a free connection is skipped."""
    crowd, loop, missed = Crowd(first), asyncio.get_running_loop(), 0
    for _ in range(connections):
        await loop.create_connection(lambda: Client(crowd), "127.0.0.1", port)
    began = last = time.perf_counter()
    while last - began < seconds:
        await asyncio.sleep(TICK_SECONDS)
        now = time.perf_counter()
        come = round((now - began) * rate) - round((last - began) * rate)
        for _ in range(there := min(come, len(crowd.idle))):
            crowd.idle.popleft().submit(crowd.demand())
        missed, last = missed + come - there, now
    while len(crowd.idle) + crowd.closed < connections:  # noqa: ASYNC110 - only clients run in this loop
        await asyncio.sleep(TICK_SECONDS)
    percentiles = {f"{of} p{p} ms": quantile(took, p / 100) for of, took in crowd.took.items() for p in (50, 99)}
    return {
        "answers": crowd.statuses,
        "missed": missed,
        "a second": sum(crowd.statuses.values()) / seconds,
    } | percentiles


def quantile(values: Iterable[float], part: float) -> float:
    """Return a percentile of values."""
    ranked = sorted(values)
    return round(ranked[int(len(ranked) * part)], 1)


if __name__ == "__main__":
    port, connections, rate, seconds, first = sys.argv[1:]
    os.nice(10)  # lower priority than the server: real clients do not run on its machine
    found = uvloop.run(submit_open_loop(int(port), int(connections), float(rate), float(seconds), int(first)))
    print(json.dumps(found))  # noqa: T201
