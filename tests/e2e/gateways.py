"""The gateways of deploy/gateway, real ones, in front of servers of this machine."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx
import pytest
import yaml
from testcontainers.core.container import DockerContainer

from tests import containers as stack
from tests.e2e.workspace import until

GATEWAY = Path(__file__).parents[2] / "deploy/gateway"
Kind = Literal["traefik", "envoy"]
LIVE = "/live"
"""Where a gateway reads what changes."""
KINDS: tuple[Kind, ...] = ("traefik", "envoy")


@dataclass(frozen=True, slots=True)
class Setup:
    """What a test changes of the files as they are shipped."""

    servers: tuple[int, ...]
    """The ports of the office."""
    live: Path | None = None
    """The folder that `bursar processes follow` writes; it takes the place of `servers`."""
    seconds_between_checks: int = 1
    rate: int = 500
    burst: int = 1000
    prometheus: int = 9090


@contextmanager
def gateway(kind: Kind, folder: Path, setup: Setup) -> Iterator[httpx.Client]:
    """Run a gateway; yield its client."""
    port = stack.free_port()
    container = {"traefik": traefik, "envoy": envoy}[kind](folder, setup, port)
    with container.with_kwargs(network_mode="host"), httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

        def routes() -> bool:
            try:
                return client.get("/health/ready").status_code not in (404, 503)
            except httpx.TransportError:
                return False

        until(routes)
        yield client


def traefik(folder: Path, setup: Setup, port: int) -> DockerContainer:
    """Return a Traefik with the file provider."""
    changes = {
        "address: :8000": f"address: 127.0.0.1:{port}",
        "interval: 1s": f"interval: {setup.seconds_between_checks}s",
        "prometheus:9090": f"127.0.0.1:{setup.prometheus}",
    }
    if setup.live:
        changes["/etc/traefik/routes.yml"] = f"{LIVE}/routes.yml"
    for name in ("traefik.yml", "routes.yml"):
        (folder / name).write_text(changed((GATEWAY / name).read_text(), changes))
    variables = {
        "BURSAR_HTTP_SERVERS": ",".join(f"127.0.0.1:{each}" for each in setup.servers),
        "BURSAR_GATEWAY_RATE": str(setup.rate),
        "BURSAR_GATEWAY_BURST": str(setup.burst),
    }
    container = DockerContainer(stack.TRAEFIK).with_command(["--configFile=/etc/traefik/traefik.yml"])
    container = container.with_envs(**variables).with_volume_mapping(str(folder), "/etc/traefik", "ro")
    return container.with_volume_mapping(str(setup.live), LIVE, "ro") if setup.live else container


def envoy(folder: Path, setup: Setup, port: int) -> DockerContainer:
    """Return an Envoy."""
    endpoint = "        - endpoint: {address: {socket_address: {address: %s, port_value: %d}}}\n"
    given = "".join(endpoint % (name, 8000) for name in ("http", "http-2"))
    text = (GATEWAY / "envoy.yaml").read_text()
    assert given in text
    changes = {
        given: "".join(endpoint % ("127.0.0.1", each) for each in setup.servers),
        "address: 0.0.0.0, port_value: 8000": f"address: 127.0.0.1, port_value: {port}",
        "port_value: 9901": f"port_value: {stack.free_port()}",
        "interval: 1s,": f"interval: {setup.seconds_between_checks}s,",
        "max_tokens: 1000, tokens_per_fill: 500": f"max_tokens: {setup.burst}, tokens_per_fill: {setup.rate}",
        "address: prometheus, port_value: 9090": f"address: 127.0.0.1, port_value: {setup.prometheus}",
    }
    text = changed(text, changes)
    (folder / "envoy.yaml").write_text(discovering(text) if setup.live else text)
    words = ["-c", "/etc/envoy/envoy.yaml", "--disable-hot-restart", "--service-node", "a", "--service-cluster", "b"]
    container = DockerContainer(stack.ENVOY).with_command(words)
    container = container.with_volume_mapping(str(folder), "/etc/envoy", "ro")
    return container.with_volume_mapping(str(setup.live), LIVE, "ro") if setup.live else container


def discovering(text: str) -> str:
    """Return the configuration of Envoy with the lines of envoy-discovery.yaml in place of addresses."""
    discovery = yaml.safe_load((GATEWAY / "envoy-discovery.yaml").read_text())
    discovery["eds_cluster_config"]["eds_config"]["path_config_source"]["path"] = f"{LIVE}/office.json"
    document = yaml.safe_load(text)
    [office] = [each for each in document["static_resources"]["clusters"] if each["name"] == "office"]
    for addresses in ("cluster_type", "load_assignment"):
        del office[addresses]
    office |= discovery
    return yaml.safe_dump(document)


def changed(text: str, changes: Mapping[str, str]) -> str:
    """Replace what the tests need to replace."""
    for before, after in changes.items():
        text = text.replace(before, after)
    return text


def required(request: pytest.FixtureRequest) -> None:
    """Skip a test with a reason where there is no Docker; fail it where the stack is required."""
    if reason := stack.no_docker():
        if request.config.getoption("--require-stack"):
            pytest.fail(f"the gateways are required, but {reason}")
        pytest.skip(f"gateways: {reason}")


def is_of_this_machine(address: str) -> bool:
    """Return whether this machine has an address: Envoy tells its own for a client of the loopback."""
    try:
        socket.create_server((address or "203.0.113.7", 0)).close()
    except OSError:
        return False
    return True
