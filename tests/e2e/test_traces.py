"""One trace leads from a request through outbox, broker, consumer and dispatcher to the vendors."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.containers import Collector
from tests.e2e.test_story import ROSTER, XII
from tests.e2e.workspace import Workspace, until
from tests.e2e.workspaces import a_workspace

CALLER = "7" * 16
"""The span of a sampled caller."""
BATCHES = {"publish events", "process messages", "claim deliveries"}
CALLS = {"send email", "send sms"}


@pytest.fixture
def collector(server: Callable[[str], object]) -> Collector:
    """Return a running collector."""
    found = server("otel")
    assert isinstance(found, Collector)
    return found


@pytest.fixture(params=["embedded", "mysql+kafka"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, collector: Collector) -> Workspace:
    """Create a workspace that records no trace unless a caller does."""
    traces = f'[telemetry]\nlog_format = "json"\n[telemetry.traces]\nendpoint = "{collector.url}"\nsampling_ratio = 0\n'
    made = a_workspace(request, tmp_path, traces)
    (tmp_path / "roster.csv").write_text(ROSTER)
    made.json("import", "schedule", str(Path("config/data/schedules/cbse-2020-xii.toml").resolve()))
    made.json("import", "students", "roster.csv")
    return made


def test_one_submission_is_one_connected_trace(workspace: Workspace, collector: Collector) -> None:
    trace_id = uuid4().hex
    sampled = {"traceparent": f"00-{trace_id}-{CALLER}-01"}
    with workspace.serve() as server, server.client() as client:
        submit(client, "CB-2", "unsampled", {"traceparent": f"00-{uuid4().hex}-{CALLER}-00"})
        answer = submit(client, "CB-1", "sampled", sampled)
        refused = submit(client, "CB-1", "refused", sampled)
        until(lambda: len(workspace.messages()) == 3)
        shown = client.get(f"/v1/exam-fees/{answer.json()['id']}").json()
    until(lambda: {each["name"] for each in ours(collector, trace_id)} >= BATCHES | CALLS)

    spans = ours(collector, trace_id)
    [request] = [each for each in spans if each["attributes"].get("http.response.status_code") == "201"]
    assert (request["name"], request["traceId"], request["parentSpanId"]) == ("POST /v1/exam-fees", trace_id, CALLER)
    # What was stored names the span of the request, so the batches and calls that follow hang on it.
    assert answer.headers["traceparent"] == f"00-{trace_id}-{request['spanId']}-01"
    assert {entry["traceparent"] for entry in shown["timeline"]} == {answer.headers["traceparent"]}
    caused = reached_from(request, spans)
    assert {each["name"] for each in caused} == {request["name"], *BATCHES, *CALLS}
    assert [each for each in spans if each not in caused and each["kind"] != request["kind"]] == []
    # a refusal names its trace, and so do the lines of the log
    assert (refused.status_code, refused.json()["trace_id"]) == (409, trace_id)
    assert sum(trace_id in line for line in server.log.read_text().splitlines()) >= 2
    # spans say nothing about people
    assert not re.search(r"CB-1|Sunita|sunita@|98123", json.dumps(spans))


def submit(client: Any, registration: str, key: str, headers: dict[str, str]) -> Any:
    body = {"schedule": "cbse-2020-xii", "registration": registration, **XII}
    return client.post("/v1/exam-fees", json=body, headers={"Idempotency-Key": key, **headers})


def ours(collector: Collector, trace_id: str) -> list[dict[str, Any]]:
    """Return the spans of a trace, and those with a link to it."""
    return [
        span
        for span in collector.spans()
        if span["traceId"] == trace_id or any(link["traceId"] == trace_id for link in span.get("links", ()))
    ]


def reached_from(root: dict[str, Any], spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the spans that a span caused, itself first: by parent or by link."""
    reached, names = [root], {root["spanId"]}
    while more := [each for each in spans if each not in reached and names & causes(each)]:
        reached += more
        names |= {each["spanId"] for each in more}
    return reached


def causes(span: dict[str, Any]) -> set[str]:
    return {span.get("parentSpanId", ""), *(link["spanId"] for link in span.get("links", ()))}
