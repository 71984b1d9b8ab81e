"""The log of a real run: each line follows the schema, names no person, and is found again in a store."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from adapters.telemetry.ecs import COUNTS, FIELDS
from tests.e2e.test_story import ROSTER, XII
from tests.e2e.workspace import until
from tests.e2e.workspaces import a_workspace

JSON = '[telemetry]\nlog_format = "json"\nlevel = "debug"\n'
TYPES: dict[str, type | tuple[type, ...]] = {"long": int, "float": (int, float), "date": str}
REQUIRED = {"@timestamp", "log.level", "message", "ecs.version", "service.name", "service.node.name", "process.pid"}
PEOPLE = re.compile(r"Sunita|Meena|sunita@|98123.?45605|Canary", re.IGNORECASE)
TRACE_ID = uuid4().hex


@pytest.fixture(scope="module", params=["embedded"])
def lines(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return the log of a process that served requests, refused some, and wrote to a candidate."""
    folder = tmp_path_factory.mktemp("logs")
    workspace = a_workspace(request, folder, JSON)
    (folder / "roster.csv").write_text(ROSTER)
    workspace.json("import", "schedule", str(Path("config/data/schedules/cbse-2020-xii.toml").resolve()))
    workspace.json("import", "students", "roster.csv")
    with workspace.serve() as server, server.client() as client:
        for registration in ("CB-1", "CB-1", "canary@example.org", "Sunita Meena +919812345605"):
            body = {"schedule": "cbse-2020-xii", "registration": registration, **XII}
            headers = {"Idempotency-Key": uuid4().hex, "traceparent": f"00-{TRACE_ID}-{'7' * 16}-00"}
            client.post("/v1/exam-fees", json=body, headers=headers)
        client.get("/v1/students/sunita@example.org/exam-fees", params={"phone": "+919812345605"})
        client.get("/nowhere/Sunita", headers={"X-Request-ID": "sunita@example.org"})
        client.get("/health/live")
        until(lambda: len(workspace.messages()) == 2)
    written = server.log.read_text().splitlines()
    spoken = [line for line in written if not line.startswith("{")]
    assert [line.partition(": http")[0] for line in spoken] == ["The fee office is open", "Its API pages"]
    return [json.loads(line) for line in written if line.startswith("{")]


def test_every_line_of_a_real_run_follows_the_schema(lines: list[dict[str, Any]]) -> None:
    assert {line["event.action"] for line in lines} >= {"request", "use_case_refused"}
    for line in lines:
        assert line.keys() >= REQUIRED, line
        assert datetime.fromisoformat(line["@timestamp"]).tzinfo, line
        for name, value in line.items():
            kind = "long" if name.startswith(COUNTS) else FIELDS[name]
            for each in value if isinstance(value, list) else [value]:
                assert isinstance(each, TYPES.get(kind, str)), (name, value)


def test_no_line_of_a_real_run_names_a_person(lines: list[dict[str, Any]]) -> None:
    assert [line for line in lines if PEOPLE.search(json.dumps(line))] == []


def test_lines_are_found_again_in_a_store_that_took_them_over_the_bulk_api(
    lines: list[dict[str, Any]], server: Callable[[str], object]
) -> None:
    store = str(server("victorialogs"))
    bulk = "".join(f'{{"create":{{}}}}\n{json.dumps(line)}\n' for line in lines)
    fields = {"_time_field": "@timestamp", "_msg_field": "message", "_stream_fields": "service.name,service.node.name"}

    def found(query: str) -> list[dict[str, str]]:
        answer = httpx.get(f"{store}/select/logsql/query", params={"query": query}).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    taken = httpx.post(f"{store}/insert/elasticsearch/_bulk", params=fields, content=bulk).raise_for_status()
    until(lambda: len(found(f'"service.node.name":"{lines[0]["service.node.name"]}"')) == len(lines))

    assert taken.json()["errors"] is False
    mine = [line for line in lines if line.get("trace.id") == TRACE_ID]
    stored = found(f'"trace.id":="{TRACE_ID}"')
    told = ("event.action", "log.level", "bursar.problem", "http.response.status_code", "service.version")
    assert len(mine) == len(stored) > 4
    assert sorted(tuple(str(line.get(name, "")) for name in told) for line in mine) == sorted(
        tuple(line.get(name, "") for name in told) for line in stored
    )
    refused = found(f'"trace.id":="{TRACE_ID}" "http.response.status_code":>=400 | stats count() refused')
    assert refused == [{"refused": "3"}]
