"""The complete stack of `compose.yaml`, from the outside."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from tests import containers as stack
from tests.e2e.compose import IMAGES, REPOSITORY, required_compose
from tests.e2e.workspace import until

FEE = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose project of its own."""

    project: str
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, **IMAGES, "BURSAR_IMAGE": self.project, "BURSAR_HTTP_PORT": str(self.port)}
        command = ["docker", "compose", "--project-name", self.project, *words]
        return subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )

    def up(self) -> None:
        ended = self.run("up", "--build", "--detach", "--wait", "--wait-timeout", "300", seconds=900)
        if ended.returncode:
            logs = self.run("logs", "--no-color", "--tail", "30").stdout
            pytest.fail(f"the stack does not start:\n{ended.stderr[-3000:]}\n{logs[-6000:]}")

    def down(self) -> None:
        self.run("down", "--volumes", "--remove-orphans", "--timeout", "10")
        subprocess.run(["docker", "image", "rm", self.project], capture_output=True, check=False)

    def api_key(self) -> str:
        """Return a new API key of a new officer."""
        with_config = "--json --config /etc/bursar/bursar.toml"
        account = self.inside("bursar", f"bursar accounts create --role officer --name tests {with_config}")
        owner = json.loads(account.stdout)["id"]
        key = self.inside("bursar", f"bursar api-keys create {owner} --name tests {with_config}")
        credential: str = json.loads(key.stdout)["credential"]
        return credential

    def inside(self, service: str, script: str) -> "subprocess.CompletedProcess[str]":
        return self.run("exec", "--no-TTY", service, "sh", "-c", script)


@pytest.fixture(scope="module")
def started() -> Iterator[Compose]:
    compose = Compose(f"bursar-e2e-{uuid4().hex[:8]}", stack.free_port())
    try:
        compose.up()
        yield compose
    finally:
        compose.down()


@pytest.fixture
def compose(request: pytest.FixtureRequest) -> Compose:
    """Yield the running stack; skip the test with a reason if there is none."""
    required_compose(request)
    found: Compose = request.getfixturevalue("started")
    return found


def test_a_fee_submitted_to_the_stack_reaches_both_vendors(compose: Compose) -> None:
    with httpx.Client(base_url=compose.url, headers={"Authorization": f"Bearer {compose.api_key()}"}) as client:
        assert client.get("/health/ready").json()["ready"]
        answer = client.post("/v1/exam-fees", json=FEE, headers={"Idempotency-Key": "first"})
        assert answer.status_code == 201, answer.text

        def both_accepted() -> bool:
            timeline = client.get(f"/v1/exam-fees/{answer.json()['reference']}").json()["timeline"]
            return {"published", "email accepted", "sms accepted"} <= {entry["what"] for entry in timeline}

        until(both_accepted, seconds=60)


def test_starting_again_changes_nothing(compose: Compose) -> None:
    again = compose.run("run", "--rm", "setup", seconds=120)
    assert again.returncode == 0, again.stderr
    assert "sahyadri-semester, version 1" in again.stdout
    assert " 0 added, 0 changed, " in again.stdout


def test_the_container_runs_unprivileged(compose: Compose) -> None:
    tried = compose.inside("bursar", "id -u; grep CapEff /proc/self/status; touch /anything /opt/bursar/anything")
    user, capabilities = tried.stdout.splitlines()
    assert int(user) != 0
    assert int(capabilities.split()[1], 16) == 0
    assert tried.stderr.count("Read-only file system") == 2


def test_its_account_cannot_change_the_schema(compose: Compose) -> None:
    tried = compose.inside("bursar", "bursar migrate --to base --yes --config /etc/bursar/bursar.toml")
    assert tried.returncode != 0
    assert "denied to user 'bursar'" in tried.stderr


def test_its_account_cannot_change_what_happened(compose: Compose) -> None:
    sql = "MYSQL_PWD=only-for-development mysql --host=127.0.0.1 --user=bursar bursar --execute"
    for table, refused in {"event_log": True, "audit_records": True, "submissions": True, "outbox": False}.items():
        tried = compose.inside("mysql", f"{sql} 'DELETE FROM {table} WHERE FALSE'")
        assert ("DELETE command denied" in tried.stderr) == refused
    told = compose.inside("mysql", f"{sql} \"INSERT INTO alembic_version VALUES ('9999')\"").stderr
    assert "INSERT command denied" in told


def test_its_account_must_connect_encrypted(compose: Compose) -> None:
    sql = "MYSQL_PWD=only-for-development mysql --host=127.0.0.1 --user=bursar --ssl-mode=DISABLED --execute 'DO 1'"
    assert compose.inside("mysql", sql).returncode != 0


def test_the_servers_reach_nothing_outside(compose: Compose) -> None:
    inspect = ["docker", "network", "inspect", f"{compose.project}_data", f"{compose.project}_outside"]
    networks = json.loads(subprocess.run(inspect, capture_output=True, check=True, timeout=30).stdout)
    inside = {network["Internal"]: len(network["Containers"]) for network in networks}
    assert inside == {True: 4, False: 1}  # MySQL, Kafka, Redis and the fee office; only the last is on both


def test_only_http_is_published_and_only_to_this_machine(compose: Compose) -> None:
    services = [json.loads(line) for line in compose.run("ps", "--format", "json").stdout.splitlines()]
    published = {
        (service["Service"], port["URL"], port["PublishedPort"])
        for service in services
        for port in service["Publishers"]
        if port["PublishedPort"]
    }
    assert published == {("bursar", "127.0.0.1", compose.port)}


def test_it_stops_in_order(compose: Compose) -> None:  # the last test, because the stack is down afterwards
    assert compose.run("stop", "bursar").returncode == 0
    state = compose.run("ps", "--all", "--format", "{{.ExitCode}}", "bursar").stdout
    assert state.strip() == "0"
