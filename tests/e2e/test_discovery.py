"""Gateways find the processes with HTTP in a registry: those that are killed, paused, not ready, new, or stopping."""

import asyncio
import json
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from testcontainers.core.container import DockerContainer

from config.sections.servers import Kafka, MySQL
from tests import containers as stack
from tests.e2e.gateways import GATEWAY, KINDS, Setup, gateway
from tests.e2e.workspace import Running, Workspace, on_real_servers
from tests.tcp_switch import TcpSwitch, tcp_switch

TTL_SECONDS, SLACK_SECONDS = 3, 7
"""A second each for etcd and the follower, and the rest for a machine that is busy."""
CANDIDATE_COUNT, MAX_REPETITIONS = 2_000, 20
Send = Callable[[httpx.AsyncClient, str], Awaitable[None]]
READ = "/v1/fee-schedules"


@dataclass(slots=True)
class Load:
    """Requests of clients through the gateways, one after the other at each."""

    gateways: list[str]
    key: str
    candidates: Iterator[int] = field(default_factory=lambda: iter(range(CANDIDATE_COUNT)))
    reads: int = 0
    uninterrupted: int = 0
    """The answers since the last repetition."""
    repetitions: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send requests while the block runs."""
        stop = asyncio.Event()
        async with httpx.AsyncClient(timeout=10, headers={"Authorization": f"Bearer {self.key}"}) as client:
            work = [(send, each) for send in (self._read, self._submit) for each in self.gateways]
            sending = [asyncio.create_task(repeat(send, client, gateway, stop)) for send, gateway in work]
            try:
                yield
            finally:
                stop.set()
                await asyncio.gather(*sending)

    def is_served(self) -> bool:
        """Return whether some reads in a row are answered at each gateway."""
        headers = {"Authorization": f"Bearer {self.key}"}
        reads = [httpx.get(f"{gateway}{READ}", headers=headers) for gateway in self.gateways for _ in range(8)]
        return {each.status_code for each in reads} == {200}

    async def _read(self, client: httpx.AsyncClient, gateway: str) -> None:
        if await self._answered(client.build_request("GET", f"{gateway}{READ}"), client, 200):
            self.reads += 1

    async def _submit(self, client: httpx.AsyncClient, gateway: str) -> None:
        number = next(self.candidates)
        fee = {"schedule": "sahyadri-semester", "registration": f"D-{number}"}
        headers = {"Idempotency-Key": f"d-{number}"}
        request = client.build_request("POST", f"{gateway}/v1/exam-fees", json=fee, headers=headers)
        if answer := await self._answered(request, client, 201):
            self.stored.append(answer.json()["reference"])

    async def _answered(self, request: httpx.Request, client: httpx.AsyncClient, status: int) -> httpx.Response | None:
        """Send a request until the office has answered it: a server that is killed may have begun its answer."""
        why = ""
        for _ in range(MAX_REPETITIONS):
            if why:
                self.repetitions.append(why)
                self.uninterrupted = 0
            try:
                answer = await client.send(request)
                if answer.status_code == status:
                    self.uninterrupted += 1
                    return answer
                why = f"{request.method} {request.url} {answer.status_code} {answer.text}"
                if answer.status_code < 500:
                    break
            except httpx.TransportError as error:
                why = f"{request.method} {request.url} {error!r}"
        self.faults.append(why)
        return None


async def repeat(send: Send, client: httpx.AsyncClient, gateway: str, stop: asyncio.Event) -> None:
    """Send one request after the other until `stop` is set."""
    while not stop.is_set():
        await send(client, gateway)
        await asyncio.sleep(0.02)


async def until(holds: Callable[[], bool], seconds: float = 40.0) -> None:
    """Wait until a condition holds, beside everything else."""
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, f"still not so after {seconds} s"
        await asyncio.sleep(0.05)


class Offices:
    """Processes with HTTP on one database, the follower, and what the gateways know."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self.live = folder / "live"
        self.live.mkdir()
        self.live.chmod(0o755)  # the gateways have users of their own
        self.started: list[Running] = []

    def command(self, name: str, **changes: str) -> Workspace:
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        return Workspace(folder, None, self._environment | {f"BURSAR__{word}": each for word, each in changes.items()})

    def start(self, name: str, **changes: str) -> Running:
        office = self.command(name, **changes).start()
        self.started.append(office)
        office.wait_until_ready()
        return office

    def follow(self) -> None:
        routes = (str(GATEWAY / "routes.yml"), str(self.live / "routes.yml"))
        files = ("--traefik", *routes, "--envoy", str(self.live / "office.json"))
        self.started.append(self.command("follower").start("processes", "follow", *files))

    def known(self) -> set[str]:
        """Return the addresses that each gateway may ask."""
        if not all((self.live / name).exists() for name in ("routes.yml", "office.json")):
            return set()
        served = re.search(r'splitList "," \("([^"]*)"', (self.live / "routes.yml").read_text())
        assert served
        [cluster] = json.loads((self.live / "office.json").read_text())["resources"]
        sockets = [each["endpoint"]["address"]["socket_address"] for each in cluster["endpoints"][0]["lb_endpoints"]]
        return {*served[1].split(",")} | {f"{each['address']}:{each['port_value']}" for each in sockets}

    def end(self) -> None:
        for each in self.started:
            if each.process.poll() is None:
                each.process.send_signal(signal.SIGKILL)
            each.process.wait()


def address(office: Running) -> str:
    return office.url.removeprefix("http://")


def answered(office: Running) -> float:
    """Return how many reads a process has answered."""
    line = rf'bursar_http_seconds_count{{method="GET",route="{READ}",status="200"}} ([0-9.]+)'
    found = re.search(line, httpx.get(f"{office.url}/metrics", timeout=5).text)
    return float(found[1]) if found else 0.0


def reaches(gateway: str) -> bool:
    """Return whether a gateway has a server."""
    try:
        return httpx.get(f"{gateway}/health/ready").status_code == 200
    except httpx.TransportError:
        return False


async def serves(*offices: Running) -> None:
    """Wait until each process answers more reads."""
    before = [await asyncio.to_thread(answered, each) for each in offices]
    await until(lambda: all(answered(each) > so_far for each, so_far in zip(offices, before, strict=True)))


@contextmanager
def gateways(offices: Offices, folder: Path) -> Iterator[list[str]]:
    """Run both gateways, and yield their addresses."""
    setup = Setup((), live=offices.live, rate=100_000, burst=100_000)
    with ExitStack() as running:
        clients = []
        for kind in KINDS:
            (folder / kind).mkdir()
            clients.append(running.enter_context(gateway(kind, folder / kind, setup)))
        yield [str(each.base_url).rstrip("/") for each in clients]


@pytest.fixture
def etcd(server: Callable[[str], object]) -> Iterator[DockerContainer]:
    """Run an etcd of its own, which the test may stop."""
    server("etcd")  # skips the test where nothing can be started
    with stack.etcd_container(stack.free_port()) as container:
        yield container


@pytest.fixture
def offices(tmp_path: Path, mysql: MySQL, etcd: DockerContainer) -> Iterator[Offices]:
    environment = on_real_servers(
        mysql,
        Kafka(),
        SERVE="http",
        HTTP__DRAIN_SECONDS="4",
        HTTP__TRUSTED_PROXIES="1",
        ADAPTERS__EVENTS="embedded",
        ADAPTERS__REGISTRY="etcd",
        ADMISSION__SECRET="the same in each of the processes!",
        REGISTRY__URL=f"http://127.0.0.1:{etcd.get_exposed_port(2379)}",
        REGISTRY__TTL_SECONDS=str(TTL_SECONDS),
    )
    made = Offices(tmp_path, environment)
    rows = "".join(f"D-{number},Candidate {number},student\n" for number in range(CANDIDATE_COUNT))
    (tmp_path / "roster.csv").write_text("registration,name,category\n" + rows)
    assert made.command(".", PROVISION="true").run("import", "students", "roster.csv").returncode == 0
    yield made
    made.end()


async def kill(offices: Offices, victim: Running, load: Load) -> None:
    """Kill a process under load; no gateway knows it soon after its time to live."""
    async with load.running():
        await serves(victim)
        victim.process.send_signal(signal.SIGKILL)
        await until(lambda: address(victim) not in offices.known(), seconds=TTL_SECONDS + SLACK_SECONDS)
        load.uninterrupted = 0
        await until(lambda: load.uninterrupted > 100)  # each gateway has read what it shall know


async def pause(offices: Offices, office: Running) -> None:
    """Pause a process for longer than its time to live."""
    office.process.send_signal(signal.SIGSTOP)
    await until(lambda: address(office) not in offices.known())
    office.process.send_signal(signal.SIGCONT)
    await until(lambda: address(office) in offices.known())


async def cut(offices: Offices, office: Running, switch: TcpSwitch, load: Load) -> None:
    """Part a process from the database, under load, and join them again."""
    mysql, switch.target = switch.target, ("127.0.0.1", stack.free_port())
    await switch.close()
    await until(lambda: address(office) not in offices.known())
    await until(load.is_served)
    before = await asyncio.to_thread(answered, office)
    async with load.running():
        so_far = load.reads
        await until(lambda: load.reads > so_far + 50)
        assert answered(office) == before
        switch.target = mysql
        await until(lambda: address(office) in offices.known())
        await serves(office)


def listed(offices: Sequence[Running]) -> set[bool]:
    """Return whether the processes say that the registry lists them."""
    metrics = [httpx.get(f"{each.url}/metrics", timeout=5).text for each in offices]
    return {"\nbursar_registry_listed 1.0\n" in each for each in metrics}


async def without_etcd(offices: Offices, running: Sequence[Running], etcd: DockerContainer, load: Load) -> None:
    """Stop etcd under load for longer than the time to live, and start it again."""
    before = {address(each) for each in running}
    async with load.running():
        etcd.get_wrapped_container().stop(timeout=1)
        began, so_far = time.monotonic(), load.reads
        await until(lambda: time.monotonic() > began + TTL_SECONDS + 1)
        await until(lambda: listed(running) == {False})
        assert offices.known() == before
        assert load.reads > so_far
        etcd.get_wrapped_container().start()
        await until(lambda: listed(running) == {True})
        assert offices.known() == before


async def stop_in_order(offices: Offices, office: Running, load: Load) -> None:
    """Stop a process under load."""
    async with load.running():
        office.process.send_signal(signal.SIGTERM)
        await until(lambda: address(office) not in offices.known())
        assert office.process.poll() is None, "it leaves the list before it ends"
        assert await asyncio.to_thread(office.process.wait, 20) == 0


@pytest.fixture
async def switched(mysql: MySQL) -> AsyncIterator[tuple[TcpSwitch, dict[str, str]]]:
    """Yield a switch in front of the database, and the settings that lead through it."""
    async with tcp_switch((mysql.host, mysql.port)) as (switch, port):
        yield switch, {"MYSQL__PORT": str(port), "MYSQL__HOST": "127.0.0.1"}


async def test_gateways_ask_the_processes_that_answer(
    offices: Offices, etcd: DockerContainer, switched: tuple[TcpSwitch, dict[str, str]], tmp_path: Path
) -> None:
    switch, through_switch = switched
    first, second, third = await asyncio.gather(
        *(asyncio.to_thread(offices.start, name) for name in ("a", "b")),
        asyncio.to_thread(partial(offices.start, "c", **through_switch)),
    )
    offices.follow()
    first.client().close()  # makes a key
    await until(lambda: offices.known() == {address(each) for each in (first, second, third)})
    with gateways(offices, tmp_path) as addresses:
        load = Load(addresses, first.api_key)
        await until(lambda: all(reaches(each) for each in addresses))
        async with load.running():
            await serves(first, second, third)
        assert (load.faults, load.repetitions) == ([], [])
        await cut(offices, third, switch, load)
        assert (load.faults, load.repetitions) == ([], [])
        starting = asyncio.create_task(asyncio.to_thread(offices.start, "d"))
        await kill(offices, second, load)
        assert load.faults == []
        repetitions, fourth = [*load.repetitions], await starting
        async with load.running():
            await serves(first, third, fourth)
        await without_etcd(offices, (first, third, fourth), etcd, load)
        await stop_in_order(offices, first, load)
        await pause(offices, fourth)
        async with load.running():
            await serves(third, fourth)
        assert (load.faults, load.repetitions) == ([], repetitions)
        assert len(load.stored) == len(set(load.stored)) > 0
