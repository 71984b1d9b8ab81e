"""Clients that send a megabyte each, all at once, and a server that only discards what it receives.

python -m benchmarks.large_bodies send PORT CLIENTS    until each has sent its body or lost its connection
python -m benchmarks.large_bodies discard              prints its port, and serves until it is terminated
"""

import asyncio
import json
import os
import sys
from collections import Counter
from typing import cast

import uvloop

BODY = b'{"login": "meenakshi", "password": "%s"}' % (b"x" * 1_000_000)
REQUEST = (
    b"POST /v1/sessions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
    % (len(BODY), BODY)
)
ANSWER = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"


class Sender(asyncio.Protocol):
    """One client: it goes on with its body after the answer."""

    def __init__(self, answers: Counter[str]) -> None:
        self._answers, self._received, self.ended = answers, b"", asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(0)
        self._transport.write(REQUEST)
        self._sent = not self._transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        """Note that the body is sent."""
        self._sent = True
        self._end()

    def data_received(self, data: bytes) -> None:
        """Note the answer."""
        self._received += data
        self._end()

    def _end(self) -> None:
        if self._sent and self._received:
            self._transport.close()

    def connection_lost(self, _error: Exception | None) -> None:
        """Count the answer."""
        self._answers[self._received[9:12].decode() or "lost"] += 1
        self.ended.set()


class Discarding(asyncio.Protocol):
    """Answers after as many bytes as a request has."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Receive a request."""
        self._transport, self._missing = cast(asyncio.Transport, transport), len(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Answer at the end."""
        self._missing -= len(data)
        if not self._missing:
            self._transport.write(ANSWER)


async def send(port: int, clients: int) -> Counter[str]:
    """Send a body from each client, and count the answers."""
    loop, answers = asyncio.get_running_loop(), Counter[str]()

    async def client() -> None:
        try:
            _, sender = await loop.create_connection(lambda: Sender(answers), "127.0.0.1", port)
            await sender.ended.wait()
        except OSError:
            answers["lost"] += 1

    await asyncio.gather(*(client() for _ in range(clients)))
    return answers


async def discard() -> None:
    """Serve until the process is terminated."""
    server = await asyncio.get_running_loop().create_server(Discarding, "127.0.0.1", 0, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - its parent reads it
    await server.serve_forever()


if __name__ == "__main__":
    os.nice(10)  # lower priority than the server, as the submissions: real clients do not run on its machine
    if sys.argv[1] == "discard":
        uvloop.run(discard())
    else:
        print(json.dumps(uvloop.run(send(int(sys.argv[2]), int(sys.argv[3])))))  # noqa: T201 - its parent reads it
