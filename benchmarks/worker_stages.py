"""The stage of workers: submissions to one process and to two, what each of the participants costs, and what limits."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import seed
from benchmarks.contenders import bursar, submit
from benchmarks.cpu_quota import can_limit, limited
from benchmarks.environment import BenchmarkEnvironment, Figures, Process, cpu_seconds
from tests.containers import MySqlServer, no_docker

CONNECTION_COUNT = 64
ALONE, SHARED, ALONE_LIMITED, SHARED_LIMITED = (
    [f"{name}-{turn}" for turn in range(3)] for name in ("alone", "shared", "alone-limited", "shared-limited")
)
"""The schedules of the turns."""
Part = tuple[Process, Sequence[str]]
"""A worker, and the candidates that submit to it."""
Turn = tuple[Figures, Figures]
"""What one worker does, and two."""
RATE = "submissions/s"
SERVER, DATABASE, CLIENT = (f"{each}, us of CPU a submission" for each in ("server", "database", "client"))
FEWEST_CORES = 5
"""One for each worker, one for the clients, two for the database."""


def workers(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure submissions to one process, and to two with the same number of connections each."""
    names = seed.candidates(environment, number, *ALONE, *SHARED, *ALONE_LIMITED, *SHARED_LIMITED)
    half, cores, place, halves = len(names) // 2, usable_cores(), "sharing the cores", list[Turn]()
    with bursar(environment) as one, bursar(environment) as other, ExitStack() as until_the_end:
        container = until_the_end.enter_context(container_of(environment.mysql))
        for process in (one, other):
            process.wait_until_ready()  # with all its threads
        if enough := bool(container) and len(cores) >= FEWEST_CORES:
            place, (first, second, client, *database) = "each with cores of its own", cores
            until_the_end.enter_context(clients_and_database_on(client, database, container, cores))
            for process, core in ((one, first), (other, second)):
                pin(process.popen.pid, [core])
        parts = [(one, names[:half]), (other, names[half:])]
        turns = in_turn(environment, zip(ALONE, SHARED, strict=True), parts, container)
        if not enough and can_limit():  # clients and database have the other core
            for process in (one, other):
                until_the_end.enter_context(limited(process.popen.pid, 0.5))
            halves = in_turn(environment, zip(ALONE_LIMITED, SHARED_LIMITED, strict=True), parts, container)
    alone, shared = (
        {what: median(each[what] for each in found) for what in found[0]} for found in zip(*turns, strict=True)
    )
    figures = {f"two workers / one, {place}": gain(turns)}
    if halves:
        figures["two workers / one, half a core each"] = gain(halves)
    if container:
        figures["two workers / one, computed for these cores"] = allowed(2, len(cores), shared) / allowed(
            1, len(cores), alone
        )
    costs = (("one worker", alone), ("two workers", shared))
    return figures | {f"{name}, {what}": value for name, found in costs for what, value in found.items()}


def in_turn(
    environment: BenchmarkEnvironment, schedules: Iterable[tuple[str, str]], parts: Sequence[Part], container: Any
) -> list[Turn]:
    """Measure the first worker alone, then both, as often as there are schedules."""
    return [
        (cost(environment, alone, parts[:1], container), cost(environment, shared, parts, container))
        for alone, shared in schedules
    ]


def gain(turns: Sequence[Turn]) -> float:
    """Return how many times the submissions of one worker two of them take."""
    return median(both[RATE] / one[RATE] for one, both in turns)


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
