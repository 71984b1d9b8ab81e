"""The API document is a promise: tools accept it, its examples succeed, and a generated client understands it."""

import asyncio
import importlib
import json
import os
import re
import subprocess
import sys
import sysconfig
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any, get_args, get_type_hints

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

from core.inventory import freshness
from entrypoints.http.document import EXAMPLES
from entrypoints.http.fees.timeline_streams import StreamTimes
from tests.example_office import BY_SESSION, OF_THE_CALLER, a_session_of, access_token, example_office, send
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import served
from tests.integration.test_http_api import Api
from tests.inventory_harness import InventoryHarness

SCRIPTS = Path(sysconfig.get_path("scripts"))
TESTS = Path(__file__).parents[1]
EXAMPLES_PER_OPERATION = 20
EXTRA_HEADERS = {"X-Request-ID", "traceparent"}


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with example_office() as api:
        yield api


async def read(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = (await api("GET", "/docs/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Return method, path and operation by the id of the operation, in the order of the examples."""
    found = {
        each["operationId"]: (method, path, each)
        for path, item in document["paths"].items()
        for method, each in item.items()
    }
    return {name: found[name] for name in EXAMPLES}


def validator(document: dict[str, Any], schema: Any) -> Draft202012Validator:
    return Draft202012Validator(schema | {"components": document["components"]}, format_checker=FormatChecker())


def faults(document: dict[str, Any], content: dict[str, Any], value: Any) -> list[str]:
    """Return how a value violates its schema; of JSON lines, each line its own."""
    schema = content["schema"]
    if lines := schema.get("contentSchema"):
        schema, value = lines, [json.loads(line) for line in value.splitlines()]
    return [error.message for error in validator(document, schema).iter_errors(value)]


async def test_the_document_is_valid_and_of_this_version(api: Api) -> None:
    document = await read(api)

    assert [str(error) for error in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert document["info"]["version"] == version("bursar")


async def test_the_page_shows_the_same_document(api: Api) -> None:
    script = (await api("GET", "/docs-assets/docs_page.js")).text
    [address] = re.findall(r'url: "(.*?)"', script)

    assert (await api("GET", address)).json() == await read(api)


async def test_no_two_schemas_or_operations_have_the_same_name(api: Api) -> None:
    document = await read(api)
    titles = [schema["title"] for schema in document["components"]["schemas"].values()]
    ids = [each["operationId"] for item in document["paths"].values() for each in item.values()]

    assert sorted(set(titles)) == sorted(titles) == sorted(document["components"]["schemas"])
    assert sorted(set(ids)) == sorted(ids) == sorted(EXAMPLES)


async def test_every_operation_is_described_and_has_examples_that_agree_with_their_schemas(api: Api) -> None:
    document = await read(api)
    for name, (_, _, operation) in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] != "path" or "example" in parameter, (name, parameter["name"])
            if "example" in parameter:
                assert faults(document, parameter, parameter["example"]) == [], (name, parameter["name"])
        answers = [answer for answer in operation["responses"].values() if "content" in answer]
        for part in (operation.get("requestBody", {"content": {}}), *answers):
            for content in part["content"].values():
                assert faults(document, content, content["example"]) == [], name


async def test_every_example_gets_the_documented_answer(api: Api) -> None:
    document = await read(api)
    for name, (method, path, operation) in operations(document).items():
        answer = await send(api, method, path, operation)
        assert answer.status_code in (200, 201, 202, 204), (name, answer.text)
        documented = operation["responses"][str(answer.status_code)]
        if answer.status_code != 204:
            media_type = answer.headers["Content-Type"].partition(";")[0]
            assert list(documented["content"]) == [media_type], name
            value = answer.json() if media_type == "application/json" else answer.text
            assert faults(document, documented["content"][media_type], value) == [], name
        for header, schema in documented["headers"].items():
            assert header in answer.headers or header not in EXTRA_HEADERS, (name, header)
            if header in answer.headers:
                assert faults(document, schema, answer.headers[header]) == [], (name, header)


async def test_every_answer_that_a_client_may_send_again_documents_when(api: Api) -> None:
    document = await read(api)
    of_submission = document["paths"]["/v1/exam-fees"]["post"]["responses"]
    for name, (_, _, operation) in operations(document).items():
        for status, answer in operation["responses"].items():
            if status == "503" and name not in ("isReady", "hasStarted"):
                assert "Retry-After" in answer["headers"], name
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ())):
            assert "Idempotency-Replayed" in operation["responses"]["201"]["headers"], name
            assert "Retry-After" in operation["responses"]["409"]["headers"], name
    assert "Submission-Intent" in of_submission["503"]["headers"]


@pytest.fixture
async def client(api: Api, tmp_path: Path) -> AsyncIterator[ModuleType]:
    """Generate a client from the document, and import it."""
    source, made = tmp_path / "openapi.json", tmp_path / "made"
    source.write_text(json.dumps(await read(api)))
    config = TESTS / "generated_client.yaml"
    command = [
        SCRIPTS / "openapi-python-client",
        "generate",
        "--path",
        source,
        "--config",
        config,
        "--output-path",
        made,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, "warning" in done.stdout.lower()) == (0, False), done.stdout + done.stderr
    sys.path.insert(0, str(made))
    try:
        yield importlib.import_module("office_client")
    finally:
        sys.path.remove(str(made))
        for name in [each for each in sys.modules if each.partition(".")[0] == "office_client"]:
            del sys.modules[name]


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


def typed(kind: Any, value: Any) -> Any:
    """Return a value of an example as the generated client takes it."""
    for each in get_args(kind) or (kind,):
        if hasattr(each, "from_dict"):
            return each.from_dict(value)
        if each.__name__ == "File" or each is Any:
            return importlib.import_module("office_client.types").File(payload=value.encode())
        if each.__name__ in ("datetime", "date"):
            return each.fromisoformat(value)
        if isinstance(each, type) and each.__name__ != "Unset":
            return each(value)
    raise AssertionError((kind, value))


def arguments(call: Any, operation: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(call)
    for parameter in operation.get("parameters", ()):
        if "example" in parameter:
            [name] = [each for each in hints if each.rstrip("_") == snake(parameter["name"])]
            yield name, typed(hints[name], parameter["example"])
    for body in operation.get("requestBody", {"content": {}})["content"].values():
        yield "body", typed(hints["body"], body["example"])


async def test_a_generated_client_calls_every_operation_and_gets_typed_answers(api: Api, client: ModuleType) -> None:
    document, transport = await read(api), httpx.ASGITransport(api.app)
    options: dict[str, Any] = {"httpx_args": {"transport": transport}, "raise_on_unexpected_status": True}
    made = client.Client(base_url="http://bursar", **options)
    for name, (method, path, operation) in operations(document).items():
        tag = snake(operation["tags"][0].replace(" ", "_"))
        call = importlib.import_module(f"office_client.api.{tag}.{snake(name)}").asyncio_detailed
        acting = made
        if name in OF_THE_CALLER | BY_SESSION:
            token = await (access_token(api) if name in OF_THE_CALLER else a_session_of(api))
            headers = {"Authorization": f"Bearer {token}"}
            acting = client.Client(base_url="http://bursar", headers=headers, **options)
        answer = await call(client=acting, **dict(arguments(call, operation)))
        await InventoryHarness(api.application).take_in()
        assert int(answer.status_code) in (200, 201, 202, 204), (name, answer.content)
        kinds = answer.parsed if isinstance(answer.parsed, list) else [answer.parsed]
        for each in kinds:
            plain = path == "/metrics" or method == "delete" or not hasattr(each, "to_dict")
            assert plain or each.to_dict(), name
        if "application/json" in operation["responses"].get(str(int(answer.status_code)), {}).get("content", {}):
            assert all(type(each).__module__.startswith("office_client.models.") for each in kinds), name


@pytest.fixture
async def address(api: Api, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """Serve the office on a free port; no view reaches a generated version, so the wait for it is short."""
    for limit in ("DEFAULT_WAIT_SECONDS", "MAX_WAIT_SECONDS"):
        monkeypatch.setattr(freshness, limit, 0.01)
    app = http_app(api.application, clock=api.clock, keyed=False, stream_times=StreamTimes(max_seconds=0.05))
    async with served(api.application, app=app) as port:
        yield f"http://127.0.0.1:{port}"


async def test_five_thousand_generated_requests_get_documented_answers(api: Api, address: str) -> None:
    """All checks and phases of schemathesis, positive and negative; schemathesis.toml has its settings."""
    key = await an_api_key(api.application)
    own = (await api.application.use_cases().identity.list_api_keys(None, None, 100)).items[-1]
    spared = {"BURSAR_TEST_SPARED": f"{own.id} {own.account}"}
    options = [
        f"{address}/docs/openapi.json",
        "--checks=all",
        f"--max-examples={EXAMPLES_PER_OPERATION}",
        "--seed=20261120",
        f"--header=Authorization: Bearer {key}",
    ]
    running = await asyncio.create_subprocess_exec(
        SCRIPTS / "schemathesis",
        "run",
        *options,
        "--no-color",
        cwd=TESTS.parent,
        env=os.environ | spared,
        stdout=PIPE,
        stderr=STDOUT,
    )
    report = (await running.communicate())[0].decode()

    assert running.returncode == 0, report
    assert all(f"✅ {phase}" in report for phase in ("Examples", "Coverage", "Fuzzing", "Stateful")), report
    [cases] = re.findall(r"(\d[\d,]*) generated, \1 passed", report)
    assert int(cases.replace(",", "")) >= 5_000, report
