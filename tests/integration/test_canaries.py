"""Secrets and personal data that enter through any input are in no log line, metric, list or message of an error."""

import asyncio
import base64
import io
import json
import logging
import re
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
import structlog
from typer.testing import CliRunner

from adapters.ses import answers as ses
from adapters.smtp import answers as smtp
from adapters.telemetry.logs import configure_logging
from adapters.twilio import answers as twilio
from adapters.vendor_http import VendorResponse
from config.container import Application, running
from config.sections.section import Secret
from config.settings import Adapters, Settings
from config.settings_file import load
from core.kernel.errors import CoreError, Unavailable
from entrypoints.__main__ import open_runtime
from entrypoints.contexts import create_bursar
from entrypoints.messages.consumer import Consumer
from entrypoints.messages.kafka_records import as_message
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.e2e.test_cli import commands
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import http_app
from tests.unit.messages.test_kafka_records import a_record

PASSWORD, API_KEY, TOKEN = (
    "Canary-battery-staple-7",
    "bursar_live_canarycanarycanary",
    "eyJhbGciOiJub25lIn0.canary.c2ln",
)
EMAIL, PHONE, NAME = "kanchana.canary@example.org", "+919812345670", "Kanchana Canarypillai"
SECRETS = (PASSWORD, API_KEY, TOKEN)
CANARIES = (*SECRETS, EMAIL, PHONE, NAME)
ALL = " / ".join(CANARIES)
MARK = re.compile("canary|98123.?45670", re.IGNORECASE)
CREDENTIALS = {
    "Cookie": f"__Host-session={TOKEN}",
    "X-Api-Key": API_KEY,
    "Proxy-Authorization": f"Basic {PASSWORD}",
    "User-Agent": ALL,
    "Referer": f"https://office.example/?token={TOKEN}",
    "X-Forwarded-For": PHONE,
    "Idempotency-Key": API_KEY,
}


@pytest.fixture(params=["json", "console"])
def logged(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what the log of production, of every level, has had since the last call."""
    before, root, stream = (
        structlog.get_config(),
        logging.getLogger(),
        io.TextIOWrapper(io.BytesIO(), write_through=True),
    )
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr("sys.stderr", stream)
    configure_logging(request.param, "debug", "test-1")

    def lines() -> str:
        written = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        stream.buffer.seek(0)
        stream.buffer.truncate()
        return str(written)

    yield lines
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(an_application(settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, a_student(1), a_student(2, name=NAME, email=EMAIL, phone=PHONE))
        yield application


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://bursar", headers=CREDENTIALS) as client:
        yield client


def bodies(example: Any) -> Iterator[bytes]:
    """Yield an example with canaries in the place of each of its texts, and bodies that cannot be read."""
    yield json.dumps(ALL).encode()
    yield b'{"' + ALL.encode() + b'": 1}'
    yield b'{"name": "' + ALL.encode() + b'"'
    yield ALL.encode()
    yield b'{"a": "' + ALL.encode() + b'\xff"}'
    if isinstance(example, dict):
        for field in example:
            for canary in (*CANARIES, ALL, [ALL], {ALL: ALL}):
                yield json.dumps(example | {field: canary}).encode()


async def plant_in_requests(client: httpx.AsyncClient) -> list[httpx.Response]:
    """Send canaries in the path, the query, the headers and the body of every operation."""
    answers = []
    for path, operations in (await client.get("/docs/openapi.json")).json()["paths"].items():
        for method, operation in operations.items():
            targets = [re.sub(r"{\w+}", value, path) for value in (str(UUID(int=7)), EMAIL, TOKEN, f"{NAME}%2F{PHONE}")]
            content = operation.get("requestBody", {}).get("content", {})
            for target in {*targets, f"{targets[0]}?token={TOKEN}&limit={PASSWORD}&state={EMAIL}&{NAME}={PHONE}"}:
                answers.append(await client.request(method, target))
                answers.append(await client.request(method, target, headers={"Authorization": f"Bearer {TOKEN}"}))
            for media_type, body in content.items():
                for each in bodies(body.get("example")):
                    headers = {"Content-Type": media_type}
                    answers.append(await client.request(method, targets[0], content=each, headers=headers))
    return answers


def raising(error: Exception) -> Any:
    async def act(*_: object, **__: object) -> Any:
        try:
            raise KeyError(ALL)
        except KeyError:
            raise error from ExceptionGroup(ALL, [ValueError(ALL), RuntimeError(1062, ALL)])

    return act


DEFECTS = [ValueError(ALL), KeyError(NAME), RuntimeError(1062, ALL), AssertionError(ALL), UnicodeError(ALL)]


async def test_no_request_leaves_what_it_carries_in_the_log_the_metrics_or_the_document(
    application: Application, logged: Any
) -> None:
    async with client_of(http_app(application)) as client:
        answers = await plant_in_requests(client)
        metrics = await client.get("/metrics")
        documents = [await client.get(path) for path in ("/docs", "/docs/openapi.json", "/health/ready")]

    assert len(answers) > 500
    assert {each.status_code for each in answers} >= {200, 400, 404}
    lines = logged()
    assert lines.count("request") >= len(answers)
    assert not MARK.findall(lines)
    assert not MARK.findall(metrics.text)
    assert not [each for each in documents if MARK.search(each.text)]


async def test_no_defect_shows_its_words_to_a_client_or_in_the_log(application: Application, logged: Any) -> None:
    for error in DEFECTS:
        use_cases = copy(application.use_cases())
        use_cases.students = replace(use_cases.students, find_student=raising(error))  # type: ignore[arg-type]
        async with client_of(http_app(application, use_cases=use_cases)) as client:
            answer = await client.get("/v1/students/T-2")
        lines = logged()

        assert (answer.status_code, MARK.findall(answer.text)) == (500, [])
        assert type(error).__name__ in lines
        assert "test_canaries.py" in lines, "the traceback tells the place"
        assert not MARK.findall(lines), error


async def test_an_outage_tells_its_cause_in_the_log_without_addresses(application: Application, logged: Any) -> None:
    structlog.get_logger().warning("job_failed_will_retry", error=Unavailable(f"smtp://{EMAIL} {PHONE}: refused"))
    structlog.get_logger().error("vendor_refuses_our_account", answer=f"{EMAIL} is not verified, call {PHONE}")
    structlog.get_logger().error("internal_error", exc_info=ConnectionRefusedError(111, f"{EMAIL} refused"))

    lines = logged()
    assert lines.count("refused") >= 2
    assert not MARK.findall(lines)


async def test_a_library_logs_no_words_of_errors(logged: Any) -> None:
    async def fail() -> None:
        raise ValueError(ALL)

    logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: {ALL}", exc_info=ValueError(ALL))
    logging.getLogger("another").warning("%s left", EMAIL)
    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    asyncio.get_running_loop().call_exception_handler({"message": "lost", "exception": task.exception(), "task": task})

    lines = logged()
    assert "Task exception was never retrieved" in lines
    assert "ValueError" in lines
    assert not MARK.findall(lines)


HEADERS = {
    "ce_id": b"1",
    "ce_type": b"SubmitExamFee",
    "ce_source": b"office",
    "ce_by": ALL.encode(),
    "cookie": b"canary",
}


async def test_a_message_is_shown_by_its_own_dead_letter_alone(application: Application, logged: Any) -> None:
    broken = ROUTES.table | {("fees.commands", "Fail"): raising_route}
    routes = replace(ROUTES, table=broken)
    consume = Consumer(application.messaging.new_inbox, routes, application.use_cases())
    for number, body in enumerate(bodies({"schedule": "sahyadri-test", "registration": "T-2"})):
        for kind in (b"SubmitExamFee", b"Fail"):
            headers = HEADERS | {"ce_id": b"%d" % number, "ce_type": kind, "ce_source": kind}
            await consume([as_message(a_record(headers, value=body, offset=number), "fees.commands")])
    async with client_of(http_app(application)) as client:
        listed = await client.get("/v1/dead-letters?limit=100")
        shown = await client.get(f"/v1/dead-letters/{listed.json()['items'][0]['id']}")
        metrics = await client.get("/metrics")

    lines = logged()
    assert lines.count("message_buried") == len(listed.json()["items"]) > 20
    assert MARK.search(shown.text), "the canaries were there"
    assert not MARK.findall(lines)
    assert not [each for each in (*SECRETS, EMAIL, PHONE) if each in listed.text]
    assert not MARK.findall(metrics.text)


async def raising_route(*_: object) -> None:
    raise RuntimeError(ALL)


def test_what_a_vendor_says_is_reduced_to_its_codes() -> None:
    from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPResponseException

    said = {"message": ALL, "Message": ALL, "code": 21211, "__type": f"x#{PASSWORD}: {ALL}", "more_info": ALL}
    errors: list[CoreError] = [
        *(twilio.refused(VendorResponse(status, said, {"X": ALL})) for status in (400, 401, 429, 500)),
        *(
            ses.refused(VendorResponse(status, said | {"code": ALL, "__type": ""}, {}), EMAIL)
            for status in (400, 403, 500)
        ),
        *(smtp.refused(SMTPResponseException(code, f"5.1.1 <{EMAIL}> {ALL}")) for code in (421, 450, 550, 554)),
        smtp.refused(SMTPDataError(554, f"5.7.1 {ALL}")),
        smtp.refused(SMTPRecipientRefused(550, f"5.1.1 {ALL}", EMAIL)),
    ]

    assert not [str(error) for error in errors if MARK.search(f"{error} {error!r} {error.facts}")]


def secrets_in(kind: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each secret of the settings."""
    for each in msgspec.structs.fields(kind):
        at = f"{path}__{each.encode_name}"
        if each.type is Secret:
            yield at
        elif isinstance(each.type, type) and issubclass(each.type, msgspec.Struct):
            yield from secrets_in(each.type, at)


def test_no_secret_of_the_settings_is_shown(tmp_path: Path) -> None:
    names = [*secrets_in(Settings)]
    file = tmp_path / "bursar.toml"
    file.write_text("")
    assert len(names) > 5
    for name in names:
        for value in (f"canary{'x' * 40}", "canary", f"redis://u:canary{'x' * 40}@host:1/0", "rediss://canary:x@:bad"):
            try:
                settings = load(file, {f"BURSAR{name}".upper(): value})
            except CoreError as error:
                shown = f"{error} {error!r} {error.__cause__!r} {error.__context__!r} {error.facts}"
            else:
                shown = f"{settings} {settings!r} {[getattr(settings, each) for each in settings.__struct_fields__]}"
            assert "canary" not in shown, (name, value)


def words_of(command: Any, file: Path) -> list[str]:
    """Return a value for each argument and option that a command requires."""
    words = []
    for each in command.params:
        if each.required:
            value = str(file) if "file" in each.name else str(UUID(int=7))
            words += [value] if each.param_type_name == "argument" else [each.opts[0], value]
    return words


def test_no_command_shows_a_secret_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    key = base64.urlsafe_b64encode(b"canary".ljust(32, b"x")).decode().rstrip("=")
    environment = {f"BURSAR{name}".upper(): "canary".ljust(40, "x") for name in secrets_in(Settings)} | {
        "BURSAR__REDIS__URL": "redis://canary:canary@localhost:1/0",
        "BURSAR__ADAPTERS__CACHE": "redis",
        "BURSAR__ENCRYPTION__KEYS": f"7:{key}",
        "BURSAR__ADAPTERS__REGISTRY": "consul",
        "BURSAR__REGISTRY__URL": "http://localhost:1",
        "BURSAR__REGISTRY__PASSWORD": "",  # these three need a user as well
        "BURSAR__KAFKA__PASSWORD": "",
        "BURSAR__SMTP__PASSWORD": "",
    }
    file = tmp_path / "any.csv"
    file.write_text("registration,name\n")
    statuses = []
    for path, command in commands():
        if path in {("serve",), ("demo",), ("topics",)}:  # the tests of whole stories read what these print
            continue
        done = CliRunner().invoke(create_bursar(open_runtime), [*path, *words_of(command, file)], env=environment)
        statuses.append(done.exit_code)
        shown = [done.output, *capfd.readouterr(), *traceback.format_exception(done.exception)]
        assert not [each for each in shown if re.search(f"canary|{key}", each)], path

    assert statuses.count(0) > 10, "many commands did their work"
