"""Small runs of `just bench` and `just profile`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks import (
    contenders,
    http_stages,
    identity_stages,
    ledger_stages,
    profile,
    rebuild_stages,
    seed,
    worker_stages,
)
from benchmarks.environment import BenchmarkEnvironment, Process, benchmark_environment, create_schema_and_topics
from benchmarks.results import PEERS
from benchmarks.stages import STAGES
from config.sections.servers import MySQL
from tests.containers import MySqlServer, RabbitMQServer

FEE = {"schedule": "load", "registration": "T-1", "papers": ["041", "042"]}
OWN = {"id", "reference", "received_at", "submitted_at"}
"""Values that differ between two submissions."""


@pytest.fixture
def environment(
    server: Callable[[str], object], migrated_mysql: MySQL, tmp_path: Path
) -> Iterator[BenchmarkEnvironment]:
    mysql = server("mysql")
    assert isinstance(mysql, MySqlServer)
    environment = BenchmarkEnvironment(mysql, None, tmp_path, name=migrated_mysql.database)
    environment.prepare(create_schema_and_topics)
    environment.prepare(environment.create_credentials)
    yield environment
    environment.sql("DROP TABLE IF EXISTS numbers")


def submit(process: Process, key: str, **changes: object) -> httpx.Response:
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {process.credentials[0]}"}
    url = process.wait_until_ready()
    return httpx.post(f"{url}/v1/exam-fees", json=FEE | changes, headers=headers, timeout=10)


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_answers_and_stores_what_we_do(environment: BenchmarkEnvironment, peer: str) -> None:
    pytest.importorskip("fastapi")
    seed.candidates(environment, 1, "load", "again")
    with contenders.bursar(environment) as ours, contenders.CONTENDERS[peer](environment) as theirs:
        answers = [submit(ours, "a"), submit(theirs, "b", schedule="again")]
    told = [{name: value for name, value in answer.json().items() if name not in OWN} for answer in answers]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert told[0] == told[1] | {"schedule": "load"}
    assert {*answers[0].json()} == {*answers[1].json()}
    for table in "submissions", "event_log", "outbox", "requests":
        assert environment.sql(f"SELECT COUNT(*) FROM {table}") == [(2,)], table
    route = "SUBSTRING_INDEX(scope, ' ', -2)"  # the account stands before it
    assert environment.sql(f"SELECT COUNT(DISTINCT {route}) FROM requests") == [(1,)]


@pytest.mark.parametrize("peer", PEERS)
def test_a_peer_answers_a_repeated_request_as_the_first(environment: BenchmarkEnvironment, peer: str) -> None:
    pytest.importorskip("fastapi")
    seed.candidates(environment, 1, "load")
    with contenders.CONTENDERS[peer](environment) as process:
        first, again = (submit(process, "a") for _ in range(2))
        other_body, other_key = (
            submit(process, "a", papers=["041"]),
            submit(process, "b"),
        )
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert (other_body.status_code, other_key.status_code) == (422, 409)


@pytest.mark.parametrize("name", ["submissions", "reading", "workers", "embedded", "start", "identity", "disk"])
def test_a_stage_measures(environment: BenchmarkEnvironment, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fastapi")
    monkeypatch.setattr(http_stages, "CONNECTION_COUNTS", (4,))
    for constant, few in (("CROWD", 60), ("FIRST_VERIFICATIONS", 50), ("VERIFICATIONS", 500)):
        monkeypatch.setattr(identity_stages, constant, few)
    figures = STAGES[name].measure(environment, 400 if name in ("identity", "disk") else 4_000)
    assert figures
    assert all(value > 0 for name, value in figures.items() if "refused" not in name), figures


def test_two_workers_are_measured_on_cores_of_their_own_if_there_are_enough(
    environment: BenchmarkEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = os.sched_getaffinity(0)
    monkeypatch.setattr(worker_stages, "usable_cores", lambda: [*before] * worker_stages.FEWEST_CORES)
    with worker_stages.container_of(environment.mysql) as container:
        place = "each with cores of its own" if container else "sharing the cores"
    figures = worker_stages.workers(environment, 4_000)

    assert figures[f"two workers / one, {place}"] > 0
    assert os.sched_getaffinity(0) == before


def test_a_stage_of_messages_measures_on_rabbitmq(server: Callable[[str], object]) -> None:
    mysql, rabbitmq = server("mysql"), server("rabbitmq")
    assert isinstance(mysql, MySqlServer)
    assert isinstance(rabbitmq, RabbitMQServer)
    with benchmark_environment(mysql, None, rabbitmq, RABBITMQ__PARTITIONS="2") as environment:
        figures = STAGES["relay-on-rabbitmq"].measure(environment, 2_000)

    assert figures["relay on RabbitMQ, events/s"] > 0


@pytest.mark.parametrize("name", ["payments", "payments-at-depth", "settlements", "reports"])
def test_a_stage_of_money_measures(
    environment: BenchmarkEnvironment, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_stages, "POSTED", 512)
    figures = STAGES[name].measure(environment, 2_048)

    assert figures
    assert all(value > 0 for name, value in figures.items() if "MiB" not in name), figures


def test_depth_is_measured_with_as_many_stored_as_it_says(
    environment: BenchmarkEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_stages, "FEW_STORED", 100)
    monkeypatch.setattr(http_stages, "SPREAD_FACTOR", 10)
    monkeypatch.setattr(seed, "PATIENCE", 0)  # other clients may write on the same server
    assert "submissions/s with 20,000 stored" in http_stages.depth(environment, 20_000)
    assert environment.sql("SELECT COUNT(*) FROM submissions WHERE schedule = 'of-others'") == [(19_999,)]


def test_the_profile_adds_up(environment: BenchmarkEnvironment) -> None:
    found, submitted = profile.measure(environment, 1)
    assert submitted > 0
    *_, together = profile.rows(found, submitted)
    parts = {part for part, *_ in found["seen"]}
    assert {"MySQL protocol (asyncmy)", "pricing and domain", "trace, log, metrics"} <= parts
    assert f"{found['seconds'] / submitted * 1e6:,.0f}" in together


def test_a_rebuild_of_every_projection_is_measured_and_verified(environment: BenchmarkEnvironment) -> None:
    figures = STAGES["rebuild"].measure(environment, 2_048)

    assert {f"rebuild of {name}, s" for name in rebuild_stages.KINDS} < figures.keys()
    assert all(value > 0 for name, value in figures.items() if "MiB" not in name), figures
