"""`bursar processes`: the list, and the files of gateways that follow it."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from adapters.memory.registry import MemoryRegistry
from config.settings import Adapters
from core.kernel.errors import Invalid
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from entrypoints.cli.operations.gateway_files import EnvoyFile, TraefikFile, addresses, write
from entrypoints.cli.operations.processes import keep_up_to_date
from tests.examples import StoppedClock
from tests.unit.cli.runner import CliRunner
from tests.unit.virtual_time import run_in_virtual_time

ROUTES = Path(__file__).parents[3] / "deploy/gateway/routes.yml"


def process(number: int, address: str = "", *, ready: bool = True) -> RegisteredProcess:
    return RegisteredProcess(f"host-{number}", ("http",) if address else ("relay",), address, "0.1.0", ready)


ONE, TWO = process(1, "10.0.0.1:8000"), process(2, "10.0.0.2:8000")


@pytest.mark.parametrize(
    ("listed", "asked"),
    [
        ([ONE, TWO, process(3)], ["10.0.0.1:8000", "10.0.0.2:8000"]),
        ([TWO, process(4, "10.0.0.2:8000"), process(5, "10.0.0.2:8000", ready=False)], ["10.0.0.2:8000"]),
        ([ONE, process(2, "10.0.0.2:8000", ready=False)], ["10.0.0.1:8000"]),
        ([process(1, "10.0.0.1:8000", ready=False), process(2)], ["10.0.0.1:8000"]),
        ([process(6, '"}}:80'), process(7, "no-port"), process(8, "[2001:db8::1]:80")], ["[2001:db8::1]:80"]),
        ([], []),
    ],
)
def test_gateways_ask_each_address_once_and_what_is_not_ready_only_if_nothing_is(
    listed: Sequence[RegisteredProcess], asked: Sequence[str]
) -> None:
    assert addresses(listed) == asked


def servers(file: Path) -> list[str]:
    [cluster] = json.loads(file.read_text())["resources"]
    sockets = [each["endpoint"]["address"]["socket_address"] for each in cluster["endpoints"][0]["lb_endpoints"]]
    return [f"{each['address']} {each['port_value']}" for each in sockets]


def test_envoy_is_told_ip_addresses_alone(tmp_path: Path) -> None:
    file = EnvoyFile(tmp_path / "office.json")

    assert write(file, ["10.0.0.1:8000", "[2001:db8::1]:80", "http:8000"])
    assert servers(file.path) == ["10.0.0.1 8000", "2001:db8::1 80"]


def test_traefik_gets_its_routes_with_other_servers(tmp_path: Path) -> None:
    file = TraefikFile(ROUTES, tmp_path / "routes.yml")
    assert write(file, ["10.0.0.1:8000", "10.0.0.2:8000"])
    written, template = file.path.read_text(), ROUTES.read_text()

    assert written != template
    assert written.replace('"10.0.0.1:8000,10.0.0.2:8000"', 'env "BURSAR_HTTP_SERVERS"') == template
    assert file.path.stat().st_mode & 0o777 == 0o644
    with pytest.raises(Invalid, match="does not read its servers"):
        write(TraefikFile(ROUTES.with_name("traefik.yml"), tmp_path / "other.yml"), [])


class Interrupted(Registry):
    """A registry that answers, or not, with what a test says."""

    def __init__(self) -> None:
        self.listed: list[RegisteredProcess] | None = None

    async def announce(self, process: RegisteredProcess) -> None: ...

    async def withdraw(self, process: RegisteredProcess) -> None: ...

    async def processes(self) -> Sequence[RegisteredProcess]:
        if self.listed is None:
            raise RegistryUnavailable("away")
        return self.listed


def test_a_registry_that_is_away_or_empty_leaves_the_servers_as_they_are(tmp_path: Path) -> None:
    file, registry, seen = EnvoyFile(tmp_path / "office.json"), Interrupted(), list[list[str]]()

    async def story() -> None:
        stop = asyncio.Event()
        following = asyncio.create_task(keep_up_to_date(registry, [file], 1.0, stop))
        for listed in (None, [ONE, TWO], None, None, [], [TWO]):
            registry.listed = listed
            await asyncio.sleep(2)
            seen.append(servers(file.path) if file.path.exists() else [])
        stop.set()
        await following

    with capture_logs() as lines:
        run_in_virtual_time(story)

    both = ["10.0.0.1 8000", "10.0.0.2 8000"]
    assert seen == [[], both, both, both, both, ["10.0.0.2 8000"]]
    written = "gateway_servers_written"
    assert [line["event"] for line in lines] == [
        "registry_unreachable",
        "registry_reachable",
        written,
        "registry_unreachable",
        "registry_reachable",
        written,
    ]
    assert [each.name for each in tmp_path.iterdir()] == ["office.json"]


def test_the_list_has_every_process_and_whether_it_is_ready(capsys: pytest.CaptureFixture[str]) -> None:
    without, cli = CliRunner(capsys), CliRunner(capsys, adapters=Adapters(persistence="memory", registry="etcd"))
    code, _, error = without.run("processes", "list")
    assert (code, "adapters.registry is none" in error) == (1, True)

    registry = MemoryRegistry(StoppedClock(), 10)
    cli.application.discovery.registry.override(registry)
    assert "lists no process" in cli.run("processes", "list")[1]
    for each in (ONE, process(2, "10.0.0.2:8000", ready=False)):
        asyncio.run(registry.announce(each))
    table = cli.run("processes", "list")[1]
    first, second = json.loads(cli.run("processes", "list", "--json")[1])

    assert [word in table for word in ("host-1", "10.0.0.2:8000", "yes", "no")] == [True] * 4
    facts = {"id": "host-1", "serves": ["http"], "address": "10.0.0.1:8000", "version": "0.1.0", "ready": True}
    assert (first, second["ready"]) == (facts, False)
    code, _, error = cli.run("processes", "follow")
    assert (code, "name a file" in error) == (1, True)
