"""An unavailable database or broker is reported at once, by name, with a remedy."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from uuid import UUID

import httpx
import msgspec
import pytest
import uvloop

from config.container import Application, running
from config.sections.servers import Kafka, MySQL, RabbitMQ, SQLite
from config.settings import Adapters, Settings
from core.identity.credential import ApiKeyId, new_credential
from core.kernel.errors import Unavailable
from tests.applications import an_application
from tests.containers import free_port
from tests.e2e.workspace import Workspace, until
from tests.examples import a_schedule, a_student, enrol, publish, unpublished
from tests.integration.admission import http_app

AWAY = """
[adapters]
persistence = "mysql"
[mysql]
host = "127.0.0.1"
port = 1
"""
FEE = {"schedule": "sahyadri-test", "registration": "T-1"}


@asynccontextmanager
async def client(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(http_app(application)), base_url="http://office"
    ) as client:
        yield client


async def test_without_its_database_it_answers_503_and_says_when_to_come_back(stored_settings: Settings) -> None:
    settings = msgspec.structs.replace(
        stored_settings,
        adapters=msgspec.structs.replace(stored_settings.adapters, persistence="mysql"),
        mysql=MySQL(host="127.0.0.1", port=1),
    )
    async with running(an_application(settings)) as application, client(application) as http:
        began = time.monotonic()
        submitted = await http.post("/v1/exam-fees", json=FEE, headers={"Idempotency-Key": "k"})
        read = await http.get("/v1/students/T-1")
        ready = await http.get("/health/ready")
        live = await http.get("/health/live")
        took = time.monotonic() - began

    for answer in (submitted, read):
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:bursar:problem:unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
    assert ready.status_code == 503
    assert [each["name"] for each in ready.json()["dependencies"] if not each["ready"]] == ["persistence (mysql)"]
    assert live.status_code == 200
    assert took < 5


async def test_a_database_that_accepts_and_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mysql = MySQL(host="127.0.0.1", port=silent.getsockname()[1])
        settings = Settings(adapters=Adapters(persistence="mysql"), mysql=mysql)
        async with running(an_application(settings)) as application, client(application) as http:
            async with asyncio.timeout(8):
                sent = {"Idempotency-Key": "k", "Authorization": f"Bearer {new_credential(ApiKeyId(UUID(int=7)))}"}
                answer = await http.post("/v1/exam-fees", json=FEE, headers=sent)
                ready = await http.get("/health/ready")

    assert (answer.status_code, ready.status_code) == (503, 503)


def test_a_database_that_closes_connections_at_once_is_unavailable_and_no_defect() -> None:
    async def ask(port: int) -> None:
        settings = Settings(adapters=Adapters(persistence="mysql"), mysql=MySQL(host="127.0.0.1", port=port))
        async with running(an_application(settings)) as application:
            for _ in range(20):
                with pytest.raises(Unavailable):
                    await application.fees.candidates().find("T-1")

    def hang_up() -> None:
        with suppress(OSError):
            while True:
                server.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=hang_up, daemon=True).start()
        uvloop.run(ask(server.getsockname()[1]))  # as in `bursar serve`: the driver does not close its socket
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("events", ["kafka", "rabbitmq"])
async def test_without_the_broker_submissions_are_taken_and_readiness_says_so(
    tmp_path: Path, events: Literal["kafka", "rabbitmq"]
) -> None:
    settings = Settings(
        adapters=Adapters(persistence="sqlite", events=events),
        sqlite=SQLite(path=str(tmp_path / "bursar.db")),
        kafka=Kafka(bootstrap="127.0.0.1:1"),
        rabbitmq=RabbitMQ(nodes="127.0.0.1:1"),
    )
    async with running(an_application(settings)) as application:
        await application.storage.migrate()
        await publish(application, a_schedule())
        await enrol(application, a_student(1))
        async with client(application) as http:
            submitted = await http.post("/v1/exam-fees", json=FEE, headers={"Idempotency-Key": "k"})
            ready = await http.get("/health/ready")
            waiting = await unpublished(application, 10)

    assert submitted.status_code == 201
    assert len(waiting) == 1
    assert ready.status_code == 200  # an outage of the broker must not take every process from its gateway
    assert [each["name"] for each in ready.json()["dependencies"] if not each["ready"]] == [f"events ({events})"]


def test_serve_without_its_database_says_which_why_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "away.toml").write_text(AWAY)
    given = {"BURSAR__HTTP__PORT": "0", "BURSAR__IDENTITY__SECRET": "s" * 32}
    workspace = Workspace(tmp_path, tmp_path / "away.toml", given)

    served, examined = workspace.run("serve"), workspace.run("doctor")

    assert served.returncode == examined.returncode == 75
    for said in (served.stderr, examined.stdout):
        assert "persistence (mysql)" in said
        assert "127.0.0.1" in said
        assert "start the database" in said


def test_a_migration_says_what_it_did_and_whether_a_repetition_helps(
    tmp_path: Path,
) -> None:
    (tmp_path / "away.toml").write_text(AWAY)
    workspace = Workspace(tmp_path, None, {})

    def migrate(*words: str) -> tuple[int, str]:
        done = workspace.run("migrate", *words)
        return done.returncode, done.stdout + done.stderr

    for words, code, said in [
        ((), 0, "migrated from base to"),
        ((), 0, "nothing to do"),
        (("--to", "nonsense"), 1, "nonsense is none of 0001"),
        (("--to", "+1"), 1, "leaves the range"),
        (("--to", "0009"), 3, "table projections (3 rows): nothing was done; repeat the command with --yes"),
        (("--to", "0009", "--yes"), 0, "to 0009"),
        (("--config", str(tmp_path / "away.toml")), 75, "does not answer"),
    ]:
        found, told = migrate(*words)
        assert (found, said in " ".join(told.split())) == (code, True), told


def test_a_second_process_on_the_same_file_or_port_exits_with_an_error(tmp_path: Path) -> None:
    port = free_port()
    first = Workspace(tmp_path, None, {"BURSAR__HTTP__PORT": str(port)})
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with first.serve():
        same_file = Workspace(tmp_path, None, {"BURSAR__HTTP__PORT": "0"}).run("serve")
        same_port = Workspace(elsewhere, None, {"BURSAR__HTTP__PORT": str(port)}).run("serve")

    assert (same_file.returncode, same_port.returncode) == (3, 3)
    assert "another `bursar serve` uses bursar.db" in same_file.stderr
    assert f"127.0.0.1:{port}" in same_port.stderr


@pytest.mark.alone
def test_a_second_start_keeps_all_data_and_ctrl_c_ends_it_within_two_seconds(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, None, {"BURSAR__HTTP__PORT": "0"})
    fee = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}
    with workspace.serve() as server, server.client() as client:
        own = client.headers["Authorization"]
        first = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "my-first-fee"})
        began = time.monotonic()
    stopped = time.monotonic() - began
    with workspace.serve() as server, server.client() as client:
        client.headers["Authorization"] = own
        again = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "my-first-fee"})
        until(lambda: "email accepted" in client.get(f"/v1/exam-fees/{first.json()['id']}").text)

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert stopped < 2
    assert server.process.returncode == 0


@pytest.mark.parametrize(
    ("variable", "value", "path"),
    [
        ("BURSAR__ADAPTERS__EMAIL", "console,pigeon", "$.adapters.email[1]"),
        ("BURSAR__ADAPTERS__PERSISTANCE", "mysql", "BURSAR__ADAPTERS__PERSISTANCE"),
        ("BURSAR__HTTP__PORT", "eighty", "$.http.port"),
    ],
)
def test_a_misspelt_configuration_dies_at_start_and_names_the_place(
    tmp_path: Path, variable: str, value: str, path: str
) -> None:
    done = Workspace(tmp_path, None, {variable: value}).run("serve")

    assert done.returncode == 1
    assert path in done.stderr


@pytest.mark.alone
def test_a_hanging_vendor_does_not_delay_shutdown(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        settings = {"ADAPTERS__EMAIL": "smtp", "SMTP__PORT": str(silent.getsockname()[1]), "SMTP__TLS": "none"}
        workspace = Workspace(tmp_path, None, {f"BURSAR__{name}": value for name, value in settings.items()})
        workspace.environment["BURSAR__HTTP__PORT"] = "0"
        workspace.environment["BURSAR__SMTP__HOST"] = "127.0.0.1"
        fee = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}
        with workspace.serve() as server, server.client() as client:
            client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": "k"}).raise_for_status()
            connection, _ = silent.accept()
            began = time.monotonic()
        stopped = time.monotonic() - began
        connection.close()

    assert stopped < 3
    assert server.process.returncode == 0
