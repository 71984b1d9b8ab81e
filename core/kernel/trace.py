"""The trace context of a request, which its events, messages and logs carry."""

import random
import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, Self

TRACEPARENT_PATTERN = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
REQUEST_ID_PATTERN = re.compile(r"[A-Za-z0-9._:@/+=-]{1,64}")

ODD_DIGITS = frozenset("13579bdf")
"""The last digit of a traceparent whose flag `sampled`, the lowest bit, is set."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The id of the first request, and its W3C trace context."""

    request_id: str = ""
    traceparent: str = ""

    @property
    def id(self) -> str:
        """Return the trace id in hexadecimal; empty without a trace."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """Return the id of the span that caused this work, in hexadecimal; empty without a trace."""
        return self.traceparent[36:52]

    @property
    def sampled(self) -> bool:
        """Return whether the spans of the trace are recorded."""
        return self.traceparent[-1:] in ODD_DIGITS

    @classmethod
    def continue_or_start(cls, request_id: str | None, traceparent: str | None) -> Self:
        """Keep the caller's values if they are well formed; generate those that are not, in a trace without spans."""
        trace_id, span_id = f"{random.getrandbits(128):032x}", f"{random.getrandbits(64):016x}"
        return cls(
            request_id if request_id and REQUEST_ID_PATTERN.fullmatch(request_id) else trace_id,
            traceparent
            if traceparent and TRACEPARENT_PATTERN.fullmatch(traceparent)
            else f"00-{trace_id}-{span_id}-00",
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


class Span(Protocol):
    """A request whose time is recorded."""

    trace: Trace
    """The trace with this span as the cause of what follows."""

    @abstractmethod
    def end(self, name: str, facts: Mapping[str, str | int], failure: str = "") -> None:
        """Record the span; `failure` is the kind of error that ended it."""


class Tracer(Protocol):
    """Decides which requests are recorded."""

    @abstractmethod
    def begin(self, trace: Trace, *, continued: bool) -> Span | None:
        """Begin the span of a request if the caller's trace is sampled, or the new trace is to be."""
