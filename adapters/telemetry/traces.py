"""Records spans with OpenTelemetry: of sampled requests, of batches that have a message of one, and of their calls."""

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from time import time_ns
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OpenTelemetrySpan

from core.kernel.errors import CoreError, error_name
from core.kernel.trace import Span, Trace, Tracer

if TYPE_CHECKING:  # the exporter is optional
    from adapters.telemetry.span_exporter import SpanExport


class SpanName(StrEnum):
    """The names of spans; that of a request is its method and its route."""

    PUBLISH = "publish events"
    PROCESS = "process messages"
    CLAIM = "claim deliveries"
    SEND_EMAIL = "send email"
    SEND_SMS = "send sms"


class OpenTelemetryTracer(Tracer):
    """Records the spans of a process."""

    def __init__(self, export: "SpanExport", sampling_ratio: float) -> None:
        self._export, self._spans, self._ratio = export, export.tracer, sampling_ratio

    def begin(self, trace: Trace, *, continued: bool) -> Span | None:
        if continued:
            if not trace.sampled:
                return None
            span = self._spans.start_span("request", as_parent(trace), SpanKind.SERVER)
        elif random.random() >= self._ratio:  # noqa: S311 - chooses samples only
            return None
        else:
            self._export.next_trace_id = int(trace.id, 16)
            span = self._spans.start_span("request", Context(), SpanKind.SERVER)
        return RequestSpan(trace, span)

    @contextmanager
    def recording(
        self, name: SpanName, kind: SpanKind, traces: Iterable[Trace], facts: Mapping[str, str | int]
    ) -> Iterator[None]:
        """Record a block that works for several requests, if one of them is sampled; `traces` is read at its end.

        The span belongs to the trace of the request if it is the only one; otherwise it has a trace of its own and
        links to those of the requests.
        """
        began, failure = time_ns(), ""
        try:
            yield
        except BaseException as error:
            failure = kind_of(error)
            raise
        finally:
            if sampled := {each.traceparent: each for each in traces if each.sampled}:
                causes = list(sampled.values())
                parent = as_parent(causes[0]) if len(causes) == 1 else Context()
                links = [Link(span_context(each)) for each in causes] if len(causes) > 1 else ()
                span = self._spans.start_span(name, parent, kind, facts, links, start_time=began)
                finish(span, failure)

    async def close(self) -> None:
        """Export what is recorded; give up after two seconds."""
        await self._export.close()


class RequestSpan(Span):
    """The span of one request."""

    def __init__(self, trace: Trace, span: OpenTelemetrySpan) -> None:
        context, self._span = span.get_span_context(), span
        self.trace = Trace(trace.request_id, f"00-{context.trace_id:032x}-{context.span_id:016x}-01")

    def end(self, name: str, facts: Mapping[str, str | int], failure: str = "") -> None:
        self._span.update_name(name)
        self._span.set_attributes(facts)
        finish(self._span, failure)


def finish(span: OpenTelemetrySpan, failure: str) -> None:
    """End a span; only the kind of an error is recorded, because its words may quote an input."""
    if failure:
        span.set_attribute("error.type", failure)
        span.set_status(StatusCode.ERROR)
    span.end()


def kind_of(error: BaseException) -> str:
    """Return the kind of an error under the name that metrics and logs give it."""
    return error_name(error) if isinstance(error, CoreError) else type(error).__name__


def as_parent(trace: Trace) -> Context:
    """Return the context whose next span is a child of the span that a trace names."""
    return set_span_in_context(NonRecordingSpan(span_context(trace)), Context())


def span_context(trace: Trace) -> SpanContext:
    """Return the span that a sampled trace names, in the form of OpenTelemetry."""
    return SpanContext(int(trace.id, 16), int(trace.span_id, 16), is_remote=True, trace_flags=TraceFlags(1))
