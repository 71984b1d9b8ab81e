"""The time of calls behind which a server or a file is, by port: as Prometheus scrapes it."""

import re
from collections.abc import Sequence

import httpx
import pytest

from config.container import Application, running
from config.settings import Adapters, Settings
from core.messaging.message import Message
from entrypoints.relay.relay import Relay
from entrypoints.routes import ROUTES
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import http_app
from tests.integration.test_cost_of_a_submission import submit

COUNT = re.compile(r'bursar_port_seconds_count\{adapter="(\w+)",call="(\w+)",port="(\w+)"\} (\S+)')


async def taken(messages: Sequence[Message]) -> None:
    """Take messages from the broker."""


async def scraped(application: Application) -> dict[tuple[str, str, str], float]:
    """Return the number of observations by port, adapter and call."""
    transport = httpx.ASGITransport(app=http_app(application))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://office") as client:
        text = (await client.get("/metrics")).text
    return {(port, adapter, call): float(count) for adapter, call, port, count in COUNT.findall(text)}


@pytest.mark.parametrize("stored_settings", ["sqlite", "mysql"], indirect=True)
async def test_a_scrape_has_the_time_of_each_call_of_a_port(stored: Application) -> None:
    await publish(stored, a_schedule("sahyadri-test"))
    await enrol(stored, a_student(1))
    before = await scraped(stored)
    messaging, process = stored.messaging, stored.process

    assert await submit(http_app(stored), 1) == 201
    messaging.broker().subscribe(taken)
    relay = Relay(messaging.outbox(), messaging.traced_publisher(), process.signals(), process.clock())
    await relay.outbox.renew(5)
    assert await relay.relay() > 0
    after = await scraped(stored)

    called = {key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)}
    assert called["UnitOfWork", "SqlFeesUnitOfWork", "commit"] == 1
    assert called["Candidates", "SqlCandidates", "find"] == 1
    assert {("Outbox", "SqlOutbox", call) for call in ("renew", "unpublished", "mark_published")} <= called.keys()


async def test_nothing_in_memory_is_timed() -> None:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(Application(settings=settings, routes=ROUTES)) as office:
        before = await scraped(office)
        await publish(office, a_schedule("sahyadri-test"))

        assert await scraped(office) == before
