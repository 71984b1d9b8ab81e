"""The stage of workers: submissions to one process and to two, what each of the participants costs, and what limits."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import seed
from benchmarks.contenders import bursar, submit
from benchmarks.environment import BenchmarkEnvironment, Figures, Process, cpu_seconds
from tests.containers import MySqlServer, no_docker

CONNECTION_COUNT = 64
ALONE, SHARED = ([f"{name}-{turn}" for turn in range(3)] for name in ("alone", "shared"))
"""The schedules of the turns."""
Part = tuple[Process, Sequence[str]]
"""A worker, and the candidates that submit to it."""
RATE = "submissions/s"
SERVER, DATABASE, CLIENT = (f"{each}, us of CPU a submission" for each in ("server", "database", "client"))
FEWEST_CORES = 5
"""One for each worker, one for the clients, two for the database."""


def workers(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure submissions to one process, and to two with the same number of connections each."""
    names, cores = seed.candidates(environment, number, *ALONE, *SHARED), usable_cores()
    half, place = len(names) // 2, "sharing the cores"
    with bursar(environment) as one, bursar(environment) as other, ExitStack() as until_the_end:
        container = until_the_end.enter_context(container_of(environment.mysql))
        if container and len(cores) >= FEWEST_CORES:
            place, (first, second, client, *database) = "each with cores of its own", cores
            until_the_end.enter_context(clients_and_database_on(client, database, container, cores))
            for process, core in ((one, first), (other, second)):
                process.wait_until_ready()  # with all its threads
                pin(process.popen.pid, [core])
        parts = [(one, names[:half]), (other, names[half:])]
        turns = [
            [cost(environment, schedule, asked, container) for schedule, asked in ((alone, parts[:1]), (shared, parts))]
            for alone, shared in zip(ALONE, SHARED, strict=True)
        ]
    alone, shared = (
        {what: median(each[what] for each in found) for what in found[0]} for found in zip(*turns, strict=True)
    )
    figures = {f"two workers / one, {place}": median(two[RATE] / single[RATE] for single, two in turns)}
    if container:
        figures["two workers / one, computed for these cores"] = allowed(2, len(cores), shared) / allowed(
            1, len(cores), alone
        )
    costs = (("one worker", alone), ("two workers", shared))
    return figures | {f"{name}, {what}": value for name, found in costs for what, value in found.items()}


def cost(environment: BenchmarkEnvironment, schedule: str, parts: Sequence[Part], container: Any) -> dict[str, float]:
    """Return the rate of workers that are asked at the same time, and the processor time of each participant."""
    for process, _ in parts:
        process.wait_until_ready()
    pids = {SERVER: [process.popen.pid for process, _ in parts]}
    if container:
        pids[DATABASE] = [container.attrs["State"]["Pid"]]
    before = {name: sum(map(cpu_seconds, each)) for name, each in pids.items()}
    with ThreadPoolExecutor() as at_once:
        found = list(at_once.map(lambda part: submit(part[0], CONNECTION_COUNT, schedule, part[1]), parts))
    stored = environment.sql(f"SELECT COUNT(*) FROM submissions WHERE schedule = '{schedule}'")[0][0]  # noqa: S608 - ours
    spent = {name: (sum(map(cpu_seconds, each)) - before[name]) / stored * 1e6 for name, each in pids.items()}
    rate, client = sum(each["rate"] for each in found), median(each["client_us"] for each in found)
    busy = rate * (sum(spent.values()) + client) / 1e6
    return {RATE: rate, **spent, CLIENT: client, "cores busy": busy}


def allowed(workers: int, cores: int, found: Figures) -> float:
    """Return the submissions per second of workers that have one core each at most, with all cores busy."""
    return min(workers / found[SERVER], cores / (found[SERVER] + found[DATABASE] + found[CLIENT])) * 1e6


@contextmanager
def clients_and_database_on(
    client: int, database: Sequence[int], container: Any, cores: Sequence[int]
) -> Iterator[None]:
    """Keep this process, which starts the clients, and the database on their cores until the end of the block."""
    before = container.attrs["HostConfig"]["CpusetCpus"] or f"0-{(os.cpu_count() or 1) - 1}"
    container.update(cpuset_cpus=",".join(map(str, database)))
    pin(os.getpid(), [client])
    try:
        yield
    finally:
        pin(os.getpid(), cores)
        container.update(cpuset_cpus=before)


def usable_cores() -> Sequence[int]:
    """Return the cores on which this process may run."""
    return sorted(os.sched_getaffinity(0))


def pin(pid: int, cores: Sequence[int]) -> None:
    """Keep all threads of a process, and those that they start, on some cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


@contextmanager
def container_of(mysql: MySqlServer) -> Iterator[Any]:
    """Yield the container on this machine that publishes the port of the server, None if there is none."""
    if mysql.host not in ("127.0.0.1", "localhost") or no_docker():
        yield None
        return
    from testcontainers.core.docker_client import DockerClient  # only for a server that runs in a container

    with closing(DockerClient().client) as client:
        containers = client.containers.list()
        ports = ((each, port) for each in containers for port in (each.ports.get("3306/tcp") or ()))
        yield next((each for each, port in ports if port["HostPort"] == str(mysql.port)), None)
