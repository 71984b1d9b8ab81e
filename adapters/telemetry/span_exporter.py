"""Exports spans over OTLP from a thread of its own: the queue is bounded, and an outage is reported once."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import Tracer

log = structlog.get_logger()
MAX_QUEUED_SPANS = 2_048
"""While the collector is unreachable, the oldest spans beyond these are dropped."""
MAX_LINKS = 512
"""A batch of the relay has at most 500 messages."""
SEND_TIMEOUT_SECONDS = 5.0
CLOSE_TIMEOUT_SECONDS = 2.0


class SpanExport(RandomIdGenerator):
    """Takes finished spans, and sends them to a collector."""

    def __init__(self, exporter: SpanExporter, process: str) -> None:
        """Send through an exporter; `process` names this process."""
        self.next_trace_id = 0
        """The id of the next trace, if not random: the request already has it in its logs."""
        program = {"service.name": "bursar", "service.version": version("bursar"), "service.instance.id": process}
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # only spans of sampled traces are begun
            resource=Resource.create(program),
            span_limits=SpanLimits(max_links=MAX_LINKS),
            id_generator=self,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=MAX_QUEUED_SPANS))
        self.tracer: Tracer = self._provider.get_tracer("bursar")

    def generate_trace_id(self) -> int:
        """Return the id that was set for the next trace, else a random one."""
        chosen, self.next_trace_id = self.next_trace_id, 0
        return chosen or super().generate_trace_id()

    async def close(self) -> None:
        """Send the queued spans; an unreachable collector delays the end of the process by two seconds at most."""
        closed, loop = asyncio.Event(), asyncio.get_running_loop()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=shut_down, name="span-export-end", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_SECONDS):
                await closed.wait()
        except TimeoutError:
            log.warning("spans_lost_at_shutdown")


class CollectorExporter(SpanExporter):
    """Warns once when the collector takes no spans, and tells when it does again."""

    def __init__(self, endpoint: str) -> None:
        """Send to the base URL of a collector."""
        self._inner: SpanExporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_TIMEOUT_SECONDS)
        self._endpoint, self._failing = endpoint, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; a failure loses them."""
        try:
            result = self._inner.export(spans)
        except Exception as error:  # a defect of the exporter must not end its thread
            log.debug("span_exporter_defect", error=error)
            result = SpanExportResult.FAILURE
        if self._failing is not (failed := result is not SpanExportResult.SUCCESS):
            self._failing = failed
            write: Any = log.warning if failed else log.info
            write("spans_not_exported" if failed else "spans_exported_again", endpoint=self._endpoint)
        return result

    def shutdown(self) -> None:
        """End a send that is under way."""
        self._inner.shutdown()
