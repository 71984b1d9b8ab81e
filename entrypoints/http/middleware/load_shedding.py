"""Refusals under a flood: read and written where the bytes come in, without a task, an application or a log line.

A refusal through the application costs five times as much, and who floods us would take that from those inside.
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
"""What nearly everybody sends.  Anything else goes the usual way and is refused there."""
UNSUPPORTED_HEADERS = {b"transfer-encoding", b"expect", b"upgrade"}
REJECTION_SECONDS = REQUEST_SECONDS.labels("POST", SUBMISSIONS_PATH, 503)


@dataclass(frozen=True, slots=True)
class LoadShedder:
    """Turns whole requests away as they come in, while nobody is let in."""

    admission: AdmissionControl
    clock: Clock

    def answer(self, data: bytes) -> bytes | None:
        """Return all that is to be sent to whoever is refused, None where the application has to look."""
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
        if not (refusal := self.admission.refusal(scope, headers, body)):
            return None
        lines = "".join(f"{name}: {value}\r\n" for name, value in refusal[0].items()).encode()
        lines += b"".join(b"%s: %s\r\n" % mark for mark in trace_headers(trace_of(headers)))
        REJECTION_SECONDS.observe(time.perf_counter() - began)
        return b"HTTP/1.1 503 Service Unavailable\r\n%s\r\n%s" % (lines, refusal[1])

    def protocol(self, *arguments: Any, **named: Any) -> HttpToolsProtocol:
        """Return one connection of uvicorn that asks here first."""
        return LoadSheddingProtocol(self, *arguments, **named)


def needs_application(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether there is more to a request than it and its answer."""
    return (
        bool(UNSUPPORTED_HEADERS & headers.keys()) or headers.get(b"connection", b"keep-alive").lower() != b"keep-alive"
    )


class LoadSheddingProtocol(HttpToolsProtocol):
    """A connection that lets the gate answer what comes in between two requests.

    Uvicorn has no word for a request whose head has begun and is not yet complete, so that is noted here.
    """

    def __init__(self, load_shedder: LoadShedder, *arguments: Any, **named: Any) -> None:
        """Begin as uvicorn does."""
        super().__init__(*arguments, **named)
        self._load_shedder, self._mid_request = load_shedder, False

    def data_received(self, data: bytes) -> None:
        """Answer at once, or leave it to uvicorn."""
        busy = self._mid_request or (self.cycle is not None and not self.cycle.response_complete)
        busy = busy or self.flow.write_paused  # whoever does not read gets no more answers to keep for him
        if busy or (answer := self._load_shedder.answer(data)) is None:
            super().data_received(data)
        else:
            self.transport.write(answer)
            self.on_response_complete()

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._mid_request = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that it is complete."""
        self._mid_request = False
        super().on_message_complete()
