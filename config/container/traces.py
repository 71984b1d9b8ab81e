"""Builds the tracer, and wraps ports so that it records their work; without a tracer nothing is wrapped."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from config.sections.office import Traces
from config.sections.section import Misconfigured

if TYPE_CHECKING:
    from adapters.telemetry.traces import OpenTelemetryTracer

T = TypeVar("T")


def tracer_of(traces: Traces, process: str) -> "OpenTelemetryTracer | None":
    """Return a tracer that exports to the endpoint of the settings; None without one."""
    if not traces.endpoint:
        return None
    try:
        from adapters.telemetry.span_exporter import CollectorExporter, SpanExport
        from adapters.telemetry.traces import OpenTelemetryTracer
    except ImportError as error:
        raise Misconfigured(
            f"telemetry.traces.endpoint needs the package {error.name}: install `bursar[traces]`, or remove the setting"
        ) from error
    return OpenTelemetryTracer(SpanExport(CollectorExporter(traces.endpoint), process), traces.sampling_ratio)


def traced(wrap: Callable[[T, "OpenTelemetryTracer"], T], inner: T, tracer: "OpenTelemetryTracer | None") -> T:
    """Wrap a port if there is a tracer."""
    return inner if tracer is None else wrap(inner, tracer)
