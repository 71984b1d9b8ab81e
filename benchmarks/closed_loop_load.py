"""A closed-loop load generator: each connection sends its next request when the last one is answered.

python -m benchmarks.closed_loop_load PORT CONNECTIONS SECONDS < CALLS      the calls in the format of `Calls`

All requests are built before the clock starts, and responses are parsed as little as possible: the generator shares
the cores with the server.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import cycle, repeat
from typing import cast

import uvloop

HEAD_END, LENGTH = b"\r\n\r\n", b"content-length: "
SUCCESS_STATUSES = (b"200", b"201")
"""The statuses that are counted and timed; rejections are faster and would distort the figures."""
NAME = "{name}"


@dataclass(frozen=True, slots=True)
class Calls:
    """One request per name; the name replaces `{name}` in the path and the body."""

    names: Sequence[str]
    path: str
    body: str = ""
    key: str = NAME
    credentials: Sequence[str] = ()
    """API keys, each of which the requests send in turn."""

    def dumped(self) -> str:
        """Return the format that the process reads."""
        return json.dumps(asdict(self))

    def requests(self) -> list[bytes]:
        """Return the bytes of all requests."""
        senders = (
            cycle(f"Authorization: Bearer {each}\r\n" for each in self.credentials) if self.credentials else repeat("")
        )
        return [self._request(name, sender) for name, sender in zip(self.names, senders, strict=False)]

    def _request(self, name: str, sender: str) -> bytes:
        path, body, key = (text.replace(NAME, name) for text in (self.path, self.body, self.key))
        head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{sender}"
        if body:
            head += f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n"
        return f"{head}\r\n{body}".encode()


class Client(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self, requests: Iterator[bytes], run: "Run") -> None:
        self._requests, self._run, self._received = requests, run, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Send the next request when the response is complete."""
        self._received = data = self._received + data
        if not is_whole(data):
            return
        now = time.perf_counter()
        self._run.statuses.append(status := data[9:12])
        if status in SUCCESS_STATUSES:
            self._run.took.append(now - self._asked)
        self._received = b""
        if now < self._run.end:
            self._ask()
        else:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count one connection less."""
        self._run.left()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


class Run:
    """The results of all connections."""

    def __init__(self, connections: int, seconds: float) -> None:
        self._under_way, self._began = connections, time.perf_counter()
        self.end = self._began + seconds
        self.took: list[float] = []
        self.statuses: list[bytes] = []
        self.done = asyncio.Event()

    @property
    def seconds(self) -> float:
        """The measured duration in seconds."""
        return time.perf_counter() - self._began

    def left(self) -> None:
        """Count one connection less."""
        self._under_way -= 1
        if not self._under_way:
            self.done.set()


def is_whole(answer: bytes) -> bool:
    """Return whether the response is complete."""
    body = answer.find(HEAD_END) + len(HEAD_END)
    length = answer.find(LENGTH) + len(LENGTH)
    return body >= len(HEAD_END) and len(answer) - body >= int(answer[length : answer.find(b"\r", length)])


async def load(port: int, connections: int, seconds: float, calls: Calls) -> dict[str, object]:
    """Send requests for a number of seconds."""
    requests = cycle(calls.requests())
    run, began = Run(connections, seconds), cpu()
    loop = asyncio.get_running_loop()
    await asyncio.gather(
        *(loop.create_connection(lambda: Client(requests, run), "127.0.0.1", port) for _ in range(connections))
    )
    await run.done.wait()
    spent, took = cpu() - began, sorted(run.took)
    return {
        "rate": len(took) / run.seconds,
        "p50_ms": took[len(took) // 2] * 1_000,
        "p99_ms": took[int(len(took) * 0.99)] * 1_000,
        "refused": 1 - len(took) / len(run.statuses),
        "answers": Counter(status.decode() for status in run.statuses),
        "client_us": spent / len(run.statuses) * 1_000_000,
    }


def cpu() -> float:
    """Return the processor seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    port, connections, seconds = sys.argv[1:]
    calls = Calls(**json.load(sys.stdin))
    print(json.dumps(uvloop.run(load(int(port), int(connections), float(seconds), calls))))  # noqa: T201
