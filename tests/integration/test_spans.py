import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from adapters.telemetry.span_exporter import MAX_QUEUED_SPANS, CollectorExporter, SpanExport
from adapters.telemetry.traces import OpenTelemetryTracer, SpanName
from core.kernel.trace import Trace
from tests.conftest import eventually
from tests.containers import free_port

Recorded = Callable[[], Sequence[ReadableSpan]]


@asynccontextmanager
async def a_tracer(ratio: float = 0.0) -> AsyncIterator[tuple[OpenTelemetryTracer, list[ReadableSpan]]]:
    """Yield a tracer, and a list that has its spans after the block."""
    exporter, spans = InMemorySpanExporter(), list[ReadableSpan]()
    tracer = OpenTelemetryTracer(SpanExport(exporter, "test-1"), ratio)
    yield tracer, spans
    await tracer.close()
    spans += exporter.get_finished_spans()


def a_trace(number: int = 1, flags: str = "01") -> Trace:
    return Trace(f"request-{number}", f"00-{number:032x}-{number:016x}-{flags}")


async def test_a_new_trace_has_the_id_that_its_request_has_in_the_log() -> None:
    async with a_tracer(ratio=1) as (tracer, spans):
        trace = Trace.continue_or_start(None, None)
        span = tracer.begin(trace, continued=False)
        assert span
        span.end("GET /v1/things", {"http.response.status_code": 200})

    [root] = spans
    assert (root.parent, f"{root.context.trace_id:032x}") == (None, trace.id)
    assert span.trace == Trace(trace.id, f"00-{trace.id}-{root.context.span_id:016x}-01")
    assert root.resource.attributes["service.name"] == "bursar"


@pytest.mark.parametrize(("flags", "recorded"), [("00", False), ("01", True), ("02", False), ("03", True)])
async def test_a_request_is_recorded_as_its_caller_decided(flags: str, recorded: bool) -> None:
    async with a_tracer(ratio=0 if recorded else 1) as (tracer, spans):
        if span := tracer.begin(a_trace(7, flags), continued=True):
            span.end("GET /v1/things", {}, "503")

    assert [(each.parent and each.parent.span_id, each.status.is_ok) for each in spans] == [(7, False)] * recorded


@pytest.mark.parametrize(
    ("traces", "parent", "links"),
    [
        ([], None, None),
        ([Trace(), a_trace(1, "00")], None, None),
        ([a_trace(1, "00"), a_trace(2), a_trace(2)], 2, []),
        ([a_trace(1), a_trace(2, "00"), a_trace(3), a_trace(1)], None, [1, 3]),
    ],
)
async def test_a_batch_is_one_span_that_names_each_sampled_request(
    traces: list[Trace], parent: int | None, links: list[int] | None
) -> None:
    async with a_tracer() as (tracer, spans):
        with (
            pytest.raises(KeyError),
            tracer.recording(SpanName.CLAIM, SpanKind.CONSUMER, traces, {"count": len(traces)}),
        ):
            raise KeyError("asha.1@example.org")

    told = [(each.parent and each.parent.span_id, [link.context.span_id for link in each.links]) for each in spans]
    assert told == ([] if links is None else [(parent, links)])
    assert all(each.attributes == {"count": len(traces), "error.type": "KeyError"} for each in spans)
    assert not any(each.events or each.status.description for each in spans)


async def test_an_unreachable_collector_delays_no_span_and_is_reported_once() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    with structlog.testing.capture_logs() as lines:
        tracer = OpenTelemetryTracer(SpanExport(CollectorExporter(endpoint), "test-1"), 0)
        for number in range(MAX_QUEUED_SPANS + 9):
            with tracer.recording(SpanName.CLAIM, SpanKind.CONSUMER, [a_trace(number + 1)], {}):
                pass
        await eventually(lambda: lines)
        await tracer.close()

    warnings = [line for line in lines if line["event"] == "spans_not_exported"]
    assert warnings == [{"event": "spans_not_exported", "endpoint": endpoint, "log_level": "warning"}]


class StuckExporter(SpanExporter):
    """Takes nothing until it is released."""

    def __init__(self) -> None:
        self.released, self.taken = threading.Event(), 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.released.wait(20)
        self.taken += len(spans)
        return SpanExportResult.SUCCESS


async def test_spans_that_wait_for_the_collector_are_bounded() -> None:
    exporter = StuckExporter()
    tracer = OpenTelemetryTracer(SpanExport(exporter, "test-1"), 0)
    for number in range(2 * MAX_QUEUED_SPANS):
        with tracer.recording(SpanName.CLAIM, SpanKind.CONSUMER, [a_trace(number + 1)], {}):
            pass
    exporter.released.set()
    await tracer.close()

    assert MAX_QUEUED_SPANS <= exporter.taken <= 1.5 * MAX_QUEUED_SPANS
