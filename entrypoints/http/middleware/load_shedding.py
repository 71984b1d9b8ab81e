"""Load shedding: rejections of submissions in the protocol, without a task, the application or a log line.

A rejection by the application costs five times as much, at the expense of the submissions in flight.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.kernel.authorization import acting_as
from core.kernel.clock import Clock
from entrypoints.effects import count_effect
from entrypoints.http.middleware.admission import SUBMISSIONS_PATH, AdmissionControl
from entrypoints.http.middleware.authentication import Authentication
from entrypoints.http.middleware.tracing import REQUEST_SECONDS, trace_headers, trace_of
from entrypoints.http.protocol.browser_policy import policy_lines
from entrypoints.http.protocol.connection import Connection
from entrypoints.http.protocol.connections import Connections, HttpLimits
from entrypoints.http.protocol.head import judge_host
from entrypoints.http.protocol.reading import BoundedReads

PLAIN_SUBMISSION_PATTERN = re.compile(
    rb"POST %s HTTP/1\.1\r\n((?:[!-9;-~]+:[\t -~]*\r\n)+)\r\n" % SUBMISSIONS_PATH.encode()
)
"""The usual form of a submission; the application handles all other forms."""
UNSUPPORTED_HEADERS = {b"transfer-encoding", b"content-encoding", b"expect", b"upgrade"}
REJECTION_SECONDS = REQUEST_SECONDS.labels("POST", SUBMISSIONS_PATH, 503)


@dataclass(frozen=True, slots=True)
class LoadShedder:
    """Rejects complete submissions while admission control admits none."""

    admission: AdmissionControl
    authentication: Authentication
    clock: Clock

    def reject(self, data: bytes, limits: HttpLimits) -> bytes | None:
        """Return the bytes of a rejection; None for data that the application must handle."""
        if not self.admission.full or not (request := PLAIN_SUBMISSION_PATTERN.match(data)):
            return None
        began, body = time.perf_counter(), data[request.end() :]
        parts = [line.partition(b":") for line in request[1].splitlines()]
        headers = {name.lower(): value.strip() for name, _, value in parts}
        if (
            not len(parts) == len(headers) <= limits.max_headers
            or request.end() > limits.max_head_bytes
            or headers.get(b"content-length") != b"%d" % len(body)
            or needs_application(headers)
        ):
            return None
        scope: Any = {"method": "POST", "arrived": self.clock.now()}
        if (principal := self.authentication.if_known(headers)) is None:
            return None
        with acting_as(principal):
            rejection = self.admission.reject(scope, headers, body)
        if rejection is None:
            return None
        lines = "".join(f"{name}: {value}\r\n" for name, value in rejection[0].items()).encode()
        lines += b"".join(b"%s: %s\r\n" % header for header in trace_headers(trace_of(headers)))
        lines += policy_lines(limits.public_url)
        REJECTION_SECONDS.observe(time.perf_counter() - began)
        count_effect("http", done=False)
        return b"HTTP/1.1 503 Service Unavailable\r\n%s\r\n%s" % (lines, rejection[1])

    def protocol(self, connections: Connections, *arguments: Any, **named: Any) -> BoundedReads:
        """Return a connection with load shedding."""
        return BoundedReads(LoadSheddingProtocol(self, connections, *arguments, **named))


def needs_application(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request needs features of HTTP that load shedding does not implement."""
    return (
        bool(UNSUPPORTED_HEADERS & headers.keys())
        or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
        or judge_host([headers[b"host"]] if b"host" in headers else [], "1.1") is not None
    )


class LoadSheddingProtocol(Connection):
    """A connection that rejects submissions between two requests."""

    def __init__(self, load_shedder: LoadShedder, *arguments: Any, **named: Any) -> None:
        """Pass all other arguments to the connection."""
        super().__init__(*arguments, **named)
        self._load_shedder = load_shedder

    def data_received(self, data: bytes) -> None:
        """Reject a submission, or pass the data on."""
        busy = self._mid_request or self.busy or self._deaf or self._reserved or self._connections.draining
        busy = busy or self.flow.write_paused  # no further response to a client that does not read
        if busy or (rejection := self._load_shedder.reject(data, self._limits)) is None:
            super().data_received(data)
        else:
            self.transport.write(rejection)
            self._first = False
            self._connections.beginning.pop(self, None)
            self.on_response_complete()
