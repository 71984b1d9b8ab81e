"""Load shedding: rejections of submissions in the protocol, without a task, the application or a log line.

A rejection by the application costs five times as much, at the expense of the submissions in flight.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from core.kernel.clock import Clock
from entrypoints.http.middleware.admission import SUBMISSIONS_PATH, AdmissionControl
from entrypoints.http.middleware.tracing import REQUEST_SECONDS, trace_headers, trace_of

PLAIN_SUBMISSION_PATTERN = re.compile(
    rb"POST %s HTTP/1\.1\r\n((?:[!-9;-~]+:[\t -~]*\r\n)+)\r\n" % SUBMISSIONS_PATH.encode()
)
"""The usual form of a submission; the application handles all other forms."""
UNSUPPORTED_HEADERS = {b"transfer-encoding", b"expect", b"upgrade"}
REJECTION_SECONDS = REQUEST_SECONDS.labels("POST", SUBMISSIONS_PATH, 503)


@dataclass(frozen=True, slots=True)
class LoadShedder:
    """Rejects complete submissions while admission control admits none."""

    admission: AdmissionControl
    clock: Clock

    def reject(self, data: bytes) -> bytes | None:
        """Return the bytes of a rejection; None for data that the application must handle."""
        if not self.admission.full or not (request := PLAIN_SUBMISSION_PATTERN.match(data)):
            return None
        began, body = time.perf_counter(), data[request.end() :]
        parts = [line.partition(b":") for line in request[1].splitlines()]
        headers = {name.lower(): value.strip() for name, _, value in parts}
        if (
            len(headers) < len(parts)
            or headers.get(b"content-length") != b"%d" % len(body)
            or needs_application(headers)
        ):
            return None
        scope: Any = {"method": "POST", "arrived": self.clock.now()}
        if not (rejection := self.admission.reject(scope, headers, body)):
            return None
        lines = "".join(f"{name}: {value}\r\n" for name, value in rejection[0].items()).encode()
        lines += b"".join(b"%s: %s\r\n" % header for header in trace_headers(trace_of(headers)))
        REJECTION_SECONDS.observe(time.perf_counter() - began)
        return b"HTTP/1.1 503 Service Unavailable\r\n%s\r\n%s" % (lines, rejection[1])

    def protocol(self, *arguments: Any, **named: Any) -> HttpToolsProtocol:
        """Return a connection of uvicorn with load shedding."""
        return LoadSheddingProtocol(self, *arguments, **named)


def needs_application(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether a request needs features of HTTP that load shedding does not implement."""
    return (
        bool(UNSUPPORTED_HEADERS & headers.keys()) or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
    )


class LoadSheddingProtocol(HttpToolsProtocol):
    """A connection that rejects submissions between two requests.

    Uvicorn does not expose whether the head of a request is incomplete, so this class records it.
    """

    def __init__(self, load_shedder: LoadShedder, *arguments: Any, **named: Any) -> None:
        """Pass all other arguments to uvicorn."""
        super().__init__(*arguments, **named)
        self._load_shedder, self._mid_request = load_shedder, False

    def data_received(self, data: bytes) -> None:
        """Reject a submission, or pass the data to uvicorn."""
        busy = self._mid_request or (self.cycle is not None and not self.cycle.response_complete)
        busy = busy or self.flow.write_paused  # no further response to a client that does not read
        if busy or (rejection := self._load_shedder.reject(data)) is None:
            super().data_received(data)
        else:
            self.transport.write(rejection)
            self.on_response_complete()

    def on_message_begin(self) -> None:
        """Record that a request has begun."""
        self._mid_request = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Record that the request is complete."""
        self._mid_request = False
        super().on_message_complete()
