"""Several workers share one address: clients notice no killed worker, and no worker outlives the supervisor."""

import asyncio
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from config.sections.servers import Kafka, MySQL
from core.kernel.errors import Unavailable
from entrypoints.runtime.supervisor import WORKER_SHUTDOWN_SECONDS, Worker, supervise
from tests.containers import free_port
from tests.e2e.workspace import Running, Workspace, on_real_servers, until

CANDIDATE_COUNT, CLERKS = 600, 6


@pytest.fixture
def workspace(request: pytest.FixtureRequest, tmp_path: Path, migrated_mysql: MySQL) -> Workspace:
    """Create a workspace with two HTTP workers, which drain for `request.param`, and the others in a third."""
    environment = on_real_servers(
        migrated_mysql,
        Kafka(),
        PROVISION="true",
        HTTP__WORKERS="2",
        HTTP__DRAIN_SECONDS=str(getattr(request, "param", 0)),
        ADAPTERS__EVENTS="embedded",
        ADMISSION__SECRET="the same in each of the workers!",
        TELEMETRY__METRICS_ADDRESS=f"127.0.0.1:{free_port()}",
    )
    made = Workspace(tmp_path, None, environment)
    rows = "".join(f"W-{number},Candidate {number},student\n" for number in range(CANDIDATE_COUNT))
    (tmp_path / "roster.csv").write_text("registration,name,category\n" + rows)
    assert made.run("import", "students", "roster.csv").returncode == 0
    return made


@pytest.fixture
def server(workspace: Workspace) -> Iterator[Running]:
    """Start the server."""
    running = workspace.start()
    running.wait_until_ready()
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
    running.process.wait(timeout=30)


def workers(server: Running) -> list[int]:
    """Return the ids of its child processes."""
    pid = server.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    """Return whether a process runs."""
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def submit_repeatedly(server: Running, first: int, stored: list[str], refused: list[int]) -> None:
    """Submit for every n-th candidate, and repeat requests whose connection was lost."""
    with server.client() as client:
        for number in range(first, CANDIDATE_COUNT, CLERKS):
            fee = {"schedule": "sahyadri-semester", "registration": f"W-{number}"}
            while True:
                with suppress(httpx.TransportError):
                    answer = client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": f"w-{number}"})
                    stored.extend([answer.json()["reference"]] if answer.status_code == 201 else [])
                    refused.extend([answer.status_code] if answer.status_code != 201 else [])
                    break


def test_a_worker_that_is_killed_under_load_is_replaced_and_nothing_is_lost(
    server: Running, workspace: Workspace
) -> None:
    before, stored, refused = workers(server), list[str](), list[int]()
    clerks = [
        threading.Thread(target=submit_repeatedly, args=(server, first, stored, refused)) for first in range(CLERKS)
    ]
    for each in clerks:
        each.start()
    until(lambda: len(stored) > CANDIDATE_COUNT // 6, seconds=60)
    os.kill(before[0], signal.SIGKILL)
    for each in clerks:
        each.join(timeout=120)
    until(lambda: len([pid for pid in workers(server) if alive(pid)]) == len(before))
    with server.client() as client:
        shown = [client.get(f"/v1/exam-fees/{reference}").status_code for reference in stored[::20]]
        told = [len(client.get(f"/v1/students/W-{number}/exam-fees").json()["items"]) for number in range(0, 600, 20)]

    assert len(before) == 3
    assert (len(set(stored)), refused) == (CANDIDATE_COUNT, [])
    assert set(shown) == {200}
    assert set(told) == {1}
    assert "worker_died" in server.log.read_text()


def test_metrics_are_those_of_all_workers(server: Running, workspace: Workspace) -> None:
    asked = 0
    for _ in range(20):
        with server.client() as client:  # a new connection, which another worker may accept
            client.get("/v1/fee-schedules").raise_for_status()
            asked += 1
    line = 'bursar_http_seconds_count{method="GET",route="/v1/fee-schedules",status="200"}'
    monitored = f"http://{workspace.environment['BURSAR__TELEMETRY__METRICS_ADDRESS']}"

    def metrics(url: str) -> str:
        return httpx.get(f"{url}/metrics").text

    until(lambda: all(f"{line} {asked:.1f}" in metrics(url) for url in (server.url, monitored)))
    assert httpx.get(f"{monitored}/health/ready").status_code == 200
    seen = re.findall(r'bursar_effects_total{outcome="done",transport="(\w+)",worker="(\d)"}', metrics(monitored))
    assert {("http", "1"), ("http", "2"), ("job", "3"), ("relay", "3")} <= set(seen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_when_it_is_told_to_stop_no_process_is_left(server: Running, number: int) -> None:
    processes = workers(server)
    began = time.monotonic()
    server.process.send_signal(number)
    code = server.process.wait(timeout=30)

    assert (len(processes), code) == (3, 0)
    assert not [pid for pid in processes if alive(pid)]
    assert time.monotonic() - began < WORKER_SHUTDOWN_SECONDS, "a worker had to be killed"


@pytest.mark.parametrize("workspace", [60], indirect=True, ids=["60 s to drain"])
def test_when_it_is_told_twice_no_process_drains(server: Running) -> None:
    processes = workers(server)
    server.process.send_signal(signal.SIGTERM)
    until(lambda: httpx.get(f"{server.url}/health/ready").status_code == 503)
    until(lambda: sum(map(alive, processes)) == 2)  # those with HTTP
    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(timeout=30) == 128 + signal.SIGTERM
    until(lambda: not [pid for pid in processes if alive(pid)])


def test_workers_exit_when_their_supervisor_dies(server: Running) -> None:
    processes = workers(server)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait(timeout=30)

    until(lambda: not [pid for pid in processes if alive(pid)])


async def test_a_worker_that_fails_to_start_stops_the_supervisor_with_an_error(tmp_path: Path) -> None:
    async def opened() -> None:
        raise AssertionError("nothing is open")

    worker = Worker(tmp_path / "missing.toml", {"BURSAR__SERVE": "http"}, str(tmp_path))
    with pytest.raises(Unavailable, match="a worker could not start"):
        async with asyncio.timeout(60):
            await supervise([worker], opened, asyncio.Event())
