"""The complete stack of `compose.yaml`, from the outside."""

import json
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
import yaml

from tests import containers as stack
from tests.e2e.compose import IMAGES, REPOSITORY, required_compose
from tests.e2e.workspace import until

ROLES = {"http", "http-2", "consumer", "relay", "dispatcher", "scheduler"}
FEE = {"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}


@dataclass(frozen=True, slots=True)
class Compose:
    """A compose project of its own."""

    project: str
    port: int
    prometheus_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
        settings = {
            "BURSAR_IMAGE": self.project,
            "BURSAR_HTTP_PORT": str(self.port),
            "BURSAR_PROMETHEUS_PORT": str(self.prometheus_port),
            "BURSAR_HTTP_SERVERS": "http:8000,http-2:8000",
            "COMPOSE_PROFILES": "second",
        }
        environment = {**os.environ, **IMAGES, **settings}
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
        account = self.inside("http", f"bursar accounts create --role officer --name tests {with_config}")
        owner = json.loads(account.stdout)["id"]
        key = self.inside("http", f"bursar api-keys create {owner} --name tests {with_config}")
        credential: str = json.loads(key.stdout)["credential"]
        return credential

    def healthy(self, service: str) -> bool:
        return self.run("ps", "--format", "{{.Health}}", service).stdout.strip() == "healthy"

    def inside(self, service: str, script: str) -> "subprocess.CompletedProcess[str]":
        return self.run("exec", "--no-TTY", service, "sh", "-c", script)


def test_every_variable_of_the_stack_is_documented_and_every_documented_one_is_used() -> None:
    files = [REPOSITORY / "compose.yaml", *(REPOSITORY / "deploy/gateway").glob("*.compose.yaml")]
    used = {name for file in files for name in re.findall(r"\$\{(BURSAR_\w+)", file.read_text())}
    page = (REPOSITORY / "docs/how-to/deploy-with-compose.md").read_text()
    assert set(re.findall(r"`(BURSAR_(?!_)\w+)`", page)) == used


def test_grafana_finds_prometheus_and_its_dashboards() -> None:
    services = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]
    mounts = dict(each.rsplit(":", 1)[0].split(":") for each in services["grafana"]["volumes"][:2])
    provisioning = REPOSITORY / "deploy/grafana/provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((provisioning / "dashboards/bursar.yml").read_text())["providers"]

    assert urlsplit(source["url"]).hostname in services
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert list((REPOSITORY / "deploy/grafana/dashboards").glob("*.json"))


@pytest.fixture(scope="module")
def started() -> Iterator[Compose]:
    compose = Compose(f"bursar-e2e-{uuid4().hex[:8]}", stack.free_port(), stack.free_port())
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
        until(lambda: client.get("/health/ready").is_success)  # the gateway may have started this very moment
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
    tried = compose.inside("http", "id -u; grep CapEff /proc/self/status; touch /anything /opt/bursar/anything")
    user, capabilities = tried.stdout.splitlines()
    assert int(user) != 0
    assert int(capabilities.split()[1], 16) == 0
    assert tried.stderr.count("Read-only file system") == 2


def test_its_account_cannot_change_the_schema(compose: Compose) -> None:
    tried = compose.inside("http", "bursar migrate --to base --yes --config /etc/bursar/bursar.toml")
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
    inside = {
        network["Internal"]: {each["Name"].split("-", 3)[3][:-2] for each in network["Containers"].values()}
        for network in networks
    }
    assert inside[True] == {"mysql", "kafka", "redis", "prometheus", *ROLES}
    assert inside[False] == {"gateway", "prometheus", "http", "http-2", "dispatcher", "scheduler"}


def test_only_gateway_and_prometheus_are_published_and_only_to_this_machine(compose: Compose) -> None:
    services = [json.loads(line) for line in compose.run("ps", "--format", "json").stdout.splitlines()]
    published = {
        (service["Service"], port["URL"], port["PublishedPort"])
        for service in services
        for port in service["Publishers"]
        if port["PublishedPort"]
    }
    assert published == {
        ("gateway", "127.0.0.1", compose.port),
        ("prometheus", "127.0.0.1", compose.prometheus_port),
    }


def test_prometheus_reads_each_process(compose: Compose) -> None:
    assert compose.healthy("prometheus")
    query = {"query": 'sum(up{job="bursar"})'}

    def read() -> bool:
        with httpx.Client(base_url=f"http://127.0.0.1:{compose.prometheus_port}") as client:
            found = client.get("/api/v1/query", params=query).json()["data"]["result"]
        return [each["value"][1] for each in found] == [str(len(ROLES))]

    until(read, seconds=60)


def test_a_rolling_restart_under_load_fails_no_request(compose: Compose) -> None:
    key, stop, answered, failed = compose.api_key(), threading.Event(), Counter[int](), list[str]()

    def ask() -> None:
        with httpx.Client(base_url=compose.url, headers={"Authorization": f"Bearer {key}"}, timeout=20) as client:
            while not stop.is_set():
                try:
                    answered[client.post("/v1/quotes", json=FEE).status_code] += 1
                except httpx.TransportError as error:
                    failed.append(repr(error))

    clerks = [threading.Thread(target=ask) for _ in range(4)]
    for clerk in clerks:
        clerk.start()
    try:
        for service in ("http", "http-2"):
            assert compose.run("restart", service).returncode == 0
            until(partial(compose.healthy, service), seconds=60)
            so_far = answered.total()
            until(lambda so_far=so_far: answered.total() > so_far + 50)
    finally:
        stop.set()
        for clerk in clerks:
            clerk.join()

    assert failed == []
    assert set(answered) == {200}


def test_each_role_stops_in_order(compose: Compose) -> None:  # the last test, because the stack is down afterwards
    assert compose.run("stop", *ROLES).returncode == 0
    states = compose.run("ps", "--all", "--format", "{{.Service}} {{.ExitCode}}", *ROLES).stdout
    assert dict(line.split() for line in states.splitlines()) == dict.fromkeys(ROLES, "0")
