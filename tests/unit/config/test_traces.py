import sys

import pytest

from config.container.traces import tracer_of
from config.sections.office import Traces
from config.sections.section import Misconfigured
from tests.applications import an_application

EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"


def test_without_an_endpoint_no_port_is_wrapped() -> None:
    application = an_application()

    assert application.process.tracer() is None
    assert application.messaging.traced_publisher() is application.messaging.publisher()
    assert application.messaging.traced_consumer(handle := object()) is handle


def test_an_endpoint_without_the_packages_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, EXPORTER, None)
    monkeypatch.delitem(sys.modules, "adapters.telemetry.span_exporter", raising=False)

    with pytest.raises(Misconfigured, match=r"install `bursar\[traces\]`"):
        tracer_of(Traces(endpoint="http://localhost:4318"), "process-1")
