import json
import logging
from typing import Any

import pytest

from adapters.telemetry.ecs import FIELDS, EcsLines
from adapters.telemetry.logs import EcsLibraryLines
from core.kernel.errors import Unavailable
from core.kernel.trace import Trace, tracing

LINES = EcsLines("host-1")
EMAIL, PHONE = "asha.1@example.org", "+919812345670"
ON_ADDRESS = "(address)"


def written(event: str = "relay_backing_off", level: str = "warning", **facts: Any) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(LINES(None, level, {"event": event, **facts}))
    return line


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"method": "POST", "status": 201, "ms": 1.25}, {"http.request.method": "POST", "event.duration": 1_250_000}),
        ({"seconds": 0.5, "restart_in_seconds": 2}, {"bursar.seconds": 0.5, "bursar.restart_in_seconds": 2.0}),
        ({"topics": ["a", EMAIL]}, {"bursar.topics": ["a", ON_ADDRESS]}),
        ({"reason": f"call {PHONE}", "exc_info": None}, {"bursar.reason": f"call {ON_ADDRESS}"}),
        ({"head_timeout": 3}, {"bursar.counts.head_timeout": 3}),
        ({"error": f"refused {EMAIL}"}, {"error.message": f"refused {ON_ADDRESS}"}),
        ({"error": KeyError(EMAIL)}, {"error.type": "KeyError", "error.message": "KeyError"}),
        ({"error": Unavailable("no broker")}, {"error.type": "Unavailable", "error.message": "Unavailable: no broker"}),
    ],
)
def test_a_fact_is_in_its_field_and_names_no_address(facts: dict[str, Any], expected: dict[str, Any]) -> None:
    line = written(**facts)

    assert line.items() >= expected.items()
    assert (line["event.action"], line["message"]) == ("relay_backing_off", "relay backing off")
    assert not {name for name in line.keys() - FIELDS.keys() if not name.startswith("bursar.counts.")}


def test_a_traceback_is_told_without_the_words_of_the_error() -> None:
    try:
        raise KeyError(EMAIL)
    except KeyError as error:
        line = written(exc_info=error)

    assert (line["error.type"], line["error.message"]) == ("KeyError", "KeyError")
    assert line["error.stack_trace"].strip().endswith("KeyError")
    assert EMAIL not in json.dumps(line).replace("raise KeyError(EMAIL)", "")


def test_a_line_has_the_ids_of_its_request() -> None:
    with tracing(Trace(EMAIL, f"00-{'a' * 32}-{'b' * 16}-01")):
        line = written()

    assert (line["trace.id"], line["span.id"], line["http.request.id"]) == ("a" * 32, "b" * 16, ON_ADDRESS)
    assert "trace.id" not in written()


def test_a_line_of_a_library_follows_the_schema() -> None:
    record = logging.LogRecord("aiokafka", logging.ERROR, "x.py", 1, "no %s\nsecret", (EMAIL,), None)
    warning = logging.LogRecord(
        "py.warnings", logging.WARNING, "x.py", 1, "%s", (EMAIL,), (KeyError, KeyError(EMAIL), None)
    )

    lines = [json.loads(EcsLibraryLines(LINES).format(each)) for each in (record, warning)]

    told = [(line["log.logger"], line["log.level"], line["message"], line.get("error.type")) for line in lines]
    assert told == [("aiokafka", "error", f"no {ON_ADDRESS}", None), ("py.warnings", "warning", ON_ADDRESS, "KeyError")]
    assert all(line.keys() <= FIELDS.keys() for line in lines)
