"""The contract of `Registry`, for every adapter."""

import asyncio
import socket
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.container.discovery import Discovery
from config.sections.section import Secret
from config.sections.servers import Registry as RegistrySettings
from config.settings import Adapters, Settings
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from tests.applications import an_application
from tests.contract.servers.certificate import certificate
from tests.contract.servers.consul import LocalConsul
from tests.contract.servers.local_vendor import unused_port

TTL_SECONDS = 2
HTTP = RegisteredProcess("host-1-a", ("http", "relay"), "10.0.0.7:8000", "0.1.0", ready=True)
RELAY = RegisteredProcess("host-2-b", ("relay",), "", "0.1.0", ready=False)


def discovery_of(kind: Any, settings: RegistrySettings) -> Discovery:
    return an_application(Settings(adapters=Adapters(registry=kind), registry=settings)).discovery


def registry_of(kind: str, settings: RegistrySettings) -> Registry:
    registry: Registry = discovery_of(kind, settings).registry()
    return registry


async def close(registry: Registry) -> None:
    if hasattr(registry, "close"):
        await registry.close()


@pytest.fixture
async def consul() -> AsyncIterator[LocalConsul]:
    server = LocalConsul()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str:
    if kind == "etcd":
        return str(request.getfixturevalue("server")("etcd"))
    return str(request.getfixturevalue("consul").url) if kind == "consul" else ""


@pytest.fixture(params=sorted(Discovery.registry.providers))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def registry(kind: str, url: str) -> AsyncIterator[Registry]:
    made = registry_of(kind, RegistrySettings(url=url, name=f"test-{uuid4().hex}", ttl_seconds=TTL_SECONDS))
    yield made
    await close(made)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_a_process_is_listed_as_it_described_itself_until_it_is_withdrawn(registry: Registry) -> None:
    assert list(await registry.processes()) == []

    for process in (RELAY, HTTP, HTTP):
        await registry.announce(process)
    assert list(await registry.processes()) == [HTTP, RELAY]

    ready_again = replace(RELAY, ready=True)
    await registry.announce(ready_again)
    assert list(await registry.processes()) == [HTTP, ready_again]
    await registry.announce(RELAY)
    await registry.withdraw(HTTP)
    assert list(await registry.processes()) == [RELAY]
    await registry.withdraw(HTTP)
    await registry.announce(HTTP)
    assert list(await registry.processes()) == [HTTP, RELAY]


async def test_a_process_that_renews_stays_and_one_that_does_not_is_gone_after_its_time_to_live(
    registry: Registry,
) -> None:
    for process in (RELAY, HTTP):
        await registry.announce(process)

    async def only_one_is_left() -> bool:
        await registry.announce(HTTP)
        listed = await registry.processes()
        assert HTTP in listed
        return list(listed) == [HTTP]

    await until(only_one_is_left)

    await registry.announce(RELAY)  # as after a pause that was longer than its time to live
    assert list(await registry.processes()) == [HTTP, RELAY]


@pytest.mark.parametrize("kind", ["etcd", "consul"])
async def test_registries_of_different_names_do_not_see_each_other(kind: str, url: str, registry: Registry) -> None:
    other = registry_of(kind, RegistrySettings(url=url, name=f"test-{uuid4().hex}"))
    await registry.announce(HTTP)

    assert list(await other.processes()) == []
    await close(other)


@pytest.mark.parametrize("kind", ["etcd", "consul"])
@pytest.mark.parametrize("listens", [True, False])
async def test_a_registry_that_does_not_answer_is_unavailable_soon(kind: str, listens: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1] if listens else unused_port()
        registry = registry_of(kind, RegistrySettings(url=f"http://127.0.0.1:{port}"))
        began = time.monotonic()
        calls = (registry.announce(HTTP), registry.processes())
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        await close(registry)

    assert [type(each) for each in outcomes] == [RegistryUnavailable, RegistryUnavailable]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", ["etcd", "consul"])
async def test_the_probes_of_a_registry_read_and_write_and_leave_nothing(kind: str, url: str) -> None:
    settings = RegistrySettings(url=url, name=f"test-{uuid4().hex}")
    discovery = discovery_of(kind, settings)
    found = [*discovery.registry_probes(), *discovery.registration_probes()]

    assert [(each.name, each.essential) for each in found] == [
        (f"registry ({kind})", False),
        (f"registrations ({kind})", False),
    ]
    assert [await each.check() for each in found] == ["lists 0 processes", "takes registrations"]
    assert list(await discovery.registry().processes()) == []
    await close(discovery.registry())


async def test_consul_is_asked_with_its_token_over_a_verified_connection(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path)
    consul = LocalConsul("the right token", context)
    await consul.start()
    refused = []
    for token, ca_file in (("the right token", ""), ("a wrong token", str(authority))):
        registry = registry_of("consul", RegistrySettings(url=consul.url, ca_file=ca_file, token=Secret(token)))
        with pytest.raises(RegistryUnavailable) as error:
            await registry.announce(HTTP)
        refused.append(str(error.value))
        await close(registry)
    registry = registry_of(
        "consul", RegistrySettings(url=consul.url, ca_file=str(authority), token=Secret("the right token"))
    )
    await registry.announce(HTTP)

    assert list(await registry.processes()) == [HTTP]
    assert (consul.services[HTTP.id].registered["Address"], consul.services[HTTP.id].registered["Port"]) == (
        "10.0.0.7",
        8000,
    )
    assert "ClientConnectorCertificateError" in refused[0]
    assert "403" in refused[1]
    assert "token" not in " ".join(refused)
    await close(registry)
    await consul.stop()


async def test_what_another_program_has_written_hides_no_process(
    server: Callable[[str], object], consul: LocalConsul
) -> None:
    etcd, name = str(server("etcd")), f"test-{uuid4().hex}"
    key, values = f"{name}/processes/other".encode(), (b"not JSON", b"[]", b'{"id": "other"}', b"\xff")
    check = {"TTL": "60s", "Status": "passing", "DeregisterCriticalServiceAfter": "1m"}
    foreign = {"ID": "other", "Name": name, "Tags": [], "Meta": {}, "Check": check}
    for kind, url in (("etcd", etcd), ("consul", consul.url)):
        registry = registry_of(kind, RegistrySettings(url=url, name=name))
        await registry.announce(HTTP)
        for number, value in enumerate(values):
            pair = {"key": key + b"%d" % number, "value": value}
            encoded = {word: b64encode(each).decode() for word, each in pair.items()}
            httpx.post(f"{etcd}/v3/kv/put", json=encoded).raise_for_status()
        async with httpx.AsyncClient() as client:
            (await client.put(f"{consul.url}/v1/agent/service/register", json=foreign)).raise_for_status()
        assert list(await registry.processes()) == [HTTP], kind
        await close(registry)


@pytest.mark.parametrize("kind", ["consul"])
async def test_a_service_without_renewal_at_an_agent_that_forgot_it_is_registered_again(
    consul: LocalConsul, registry: Registry
) -> None:
    await registry.announce(HTTP)
    consul.services.clear()
    await registry.announce(HTTP)

    assert list(await registry.processes()) == [HTTP]


def ask_etcd(url: str, path: str, token: str = "", **fields: object) -> dict[str, str]:
    """Change users of an etcd."""
    headers = {"Authorization": token} if token else {}
    answer = httpx.post(f"{url}/v3/auth/{path}", json=fields, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Let an etcd ask for a user: root, whose password is `right`."""
    ask_etcd(url, "user/add", name="root", password="right")
    ask_etcd(url, "user/grant", user="root", role="root")
    ask_etcd(url, "enable")
    try:
        yield
    finally:
        token = ask_etcd(url, "authenticate", name="root", password="right")["token"]
        ask_etcd(url, "disable", token)
        ask_etcd(url, "user/delete", name="root")


async def test_etcd_is_asked_as_its_user_and_again_after_its_token_has_ended(server: Callable[[str], object]) -> None:
    url, name = str(server("etcd")), f"test-{uuid4().hex}"
    registry, refused = (
        registry_of("etcd", RegistrySettings(url=url, user="root", password=Secret(password), name=name))
        for password in ("right", "a-wrong-one")
    )
    for _ in range(2):  # no token outlives the end of the lock
        with locked(url):
            await registry.announce(HTTP)
            assert list(await registry.processes()) == [HTTP]
            with pytest.raises(RegistryUnavailable, match="refuses the user") as error:
                await refused.announce(HTTP)
            assert "a-wrong-one" not in str(error.value)
    await close(registry)
    await close(refused)
