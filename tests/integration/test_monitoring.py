"""Monitors get an answer from a process without HTTP, and no client of the listener holds it up."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from core.kernel.errors import Unavailable
from core.kernel.health import HealthChecks, Probe
from entrypoints import monitoring
from entrypoints.monitoring import MAX_CONNECTIONS, MAX_HEAD_BYTES, monitored
from entrypoints.sockets import AddressInUse


class Database(Probe):
    """A dependency that can be away."""

    name, remedy, away = "persistence", "start it", False

    async def check(self) -> str:
        if self.away:
            raise Unavailable("it is away")
        return "there"


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
async def address(database: Database) -> AsyncIterator[str]:
    listening = monitoring.listen("127.0.0.1:0")
    async with monitored(listening, HealthChecks([database])):
        yield f"127.0.0.1:{listening.getsockname()[1]}"


async def test_metrics_and_health_are_answered(address: str, database: Database) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}") as client:
        answers = [await client.get(path) for path in ("/metrics", "/health/live", "/health/ready", "/v1/vendors")]
        posted = await client.post("/metrics")
    database.away = True
    async with asyncio.timeout(5), httpx.AsyncClient(base_url=f"http://{address}") as client:
        while (away := await client.get("/health/ready")).status_code == 200:
            await asyncio.sleep(0.05)

    assert [each.status_code for each in answers] == [200, 200, 200, 404]
    assert answers[0].headers["content-type"].startswith("text/plain; version=")
    assert "# TYPE bursar_effects_total counter" in answers[0].text
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET")
    assert away.status_code == 503
    assert away.json()["dependencies"][0]["remedy"] == "start it"


async def test_silent_clients_and_long_heads_hold_up_no_monitor(address: str) -> None:
    host, port = address.split(":")
    silent = [await asyncio.open_connection(host, int(port)) for _ in range(MAX_CONNECTIONS - 1)]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 2 * MAX_HEAD_BYTES)
    assert await reader.read() == b""
    writer.close()

    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/health/live")).json() == {"live": True}
    for _, each in silent:
        each.close()


async def test_an_address_in_use_is_refused_with_its_name(address: str) -> None:
    with pytest.raises(AddressInUse, match=address):
        monitoring.listen(address)
