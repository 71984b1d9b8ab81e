"""The trace context of a request, which its events, messages and logs carry."""

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

TRACEPARENT_PATTERN = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._:@/+=-]{1,64}")


@dataclass(frozen=True, slots=True)
class Trace:
    """The id of the first request, and its W3C trace context."""

    request_id: str = ""
    traceparent: str = ""

    @classmethod
    def continue_or_start(cls, request_id: str | None, traceparent: str | None) -> Self:
        """Keep the caller's values if they are well formed; generate those that are not."""
        trace_id, span_id = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
        return cls(
            request_id if request_id and REQUEST_ID_PATTERN.fullmatch(request_id) else trace_id,
            traceparent
            if traceparent and TRACEPARENT_PATTERN.fullmatch(traceparent)
            else f"00-{trace_id}-{span_id}-01",
        )


current_trace: ContextVar[Trace] = ContextVar("current_trace", default=Trace())  # noqa: B039 - Trace is frozen
"""Set by each transport for each request or message; read by logs and recorded events."""


@contextmanager
def tracing(trace: Trace) -> Iterator[None]:
    """Set the current trace within a block."""
    token = current_trace.set(trace)
    try:
        yield
    finally:
        current_trace.reset(token)
