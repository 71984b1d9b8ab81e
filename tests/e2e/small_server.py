"""A server of this machine that stands behind a gateway, and misbehaves as a test wants."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OF_THE_GATEWAY = {"/health/ready", "/.well-known/jwks.json"}
"""What gateways ask for themselves."""


class SmallServer:
    """Answers 200 to each request, on a connection of its own; what it does otherwise, a test sets."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        self.mend()

    def mend(self) -> None:
        """Answer, and forget what was asked."""
        self.asked, self.targets, self.heads = Counter[str](), list[str](), list[dict[str, str]]()
        """The methods, targets and headers of the requests of clients."""
        self.breaks = False
        """Whether it ends the connection once it has read the request of a client."""
        self.ready, self.checks_failed = True, 0

    def end(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


def handler(server: SmallServer) -> type[BaseHTTPRequestHandler]:
    """Return what answers the requests of a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.close_connection, own = True, self.path in OF_THE_GATEWAY
            if own:
                server.checks_failed += not server.ready
            else:
                server.asked[self.command] += 1
                server.targets.append(self.path)
                server.heads.append({name.lower(): value for name, value in self.headers.items()})
            if not own and server.breaks:
                return
            self.send_response(503 if own and not server.ready else 200)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - names of the library

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


@contextmanager
def small_servers(number: int) -> Iterator[list[SmallServer]]:
    """Run servers."""
    running = [SmallServer() for _ in range(number)]
    try:
        yield running
    finally:
        for each in running:
            each.end()
