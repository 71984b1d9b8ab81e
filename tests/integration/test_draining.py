"""A server that is told to stop answers for `drain_seconds`, so that a gateway can send requests elsewhere first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from config.container import running
from config.sections.office import Telemetry
from config.settings import Adapters, Http, Settings
from entrypoints.cli.runtime import StartupReport
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from entrypoints.runtime.transports import Transports
from tests.applications import an_application
from tests.containers import free_port


@asynccontextmanager
async def draining(seconds: float) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.Event, "asyncio.Task[None]"]]:
    """Serve HTTP; yield a client, the event that stops the server, and the server."""
    settings = Settings(adapters=Adapters(persistence="memory"), http=Http(port=0, drain_seconds=seconds))
    async with running(an_application(settings)) as application:
        transports, stop = Transports(application, settings, application.use_cases()), asyncio.Event()
        with transports.listen() as listening:
            [loop] = transports.start("http", listening, stop)
            serving = asyncio.ensure_future(loop)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
                yield client, stop, serving
            stop.set()
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def test_a_stopping_server_is_not_ready_and_answers_all_the_same() -> None:
    async with draining(seconds=60) as (client, stop, _):
        before = await client.get("/health/ready")
        stop.set()
        async with asyncio.timeout(10):
            while (stopping := await client.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.05)
        answer = await client.get("/health/live")

    assert (before.status_code, answer.status_code) == (200, 200)
    assert {each["name"]: each["detail"] for each in stopping.json()["dependencies"]}["process"] == (
        "the process is stopping"
    )


async def test_each_answer_of_a_stopping_server_is_the_last_one_of_its_connection() -> None:
    async with draining(seconds=60) as (client, stop, _):
        kept = await client.get("/health/live")
        stop.set()
        async with asyncio.timeout(10):
            while "connection" not in (last := await client.get("/health/live")).headers:
                await asyncio.sleep(0.05)

    assert "connection" not in kept.headers
    assert (last.status_code, last.headers["connection"]) == (200, "close")


@pytest.mark.parametrize("seconds", [0.0, 0.3])
async def test_the_server_ends_after_that_time(seconds: float) -> None:
    async with draining(seconds) as (client, stop, serving):
        await client.get("/health/live")
        began = asyncio.get_running_loop().time()
        stop.set()
        await asyncio.wait_for(serving, 10)
        took = asyncio.get_running_loop().time() - began
        with pytest.raises(httpx.ConnectError):
            await client.get("/health/live")

    assert seconds <= took


async def test_monitors_of_a_stopping_process_are_answered_until_its_end() -> None:
    settings = Settings(
        adapters=Adapters(persistence="memory"),
        serve=("http",),
        provision=True,
        http=Http(port=0, drain_seconds=60),
        telemetry=Telemetry(metrics_address=f"127.0.0.1:{free_port()}"),
    )
    base_url, started, stop = f"http://{settings.telemetry.metrics_address}", asyncio.Event(), asyncio.Event()

    async def on_started(_: StartupReport) -> None:
        started.set()

    async with running(an_application(settings)) as application, asyncio.timeout(10):
        serving = asyncio.create_task(ConfiguredRuntime(application, settings).serve(on_started, stop))
        await started.wait()
        async with httpx.AsyncClient(base_url=base_url) as client:
            before = await client.get("/health/ready")
            stop.set()
            while (ready := await client.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.05)
            others = [(await client.get(path)).status_code for path in ("/health/live", "/metrics")]
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        with pytest.raises(httpx.ConnectError):
            httpx.get(base_url)

    assert (before.status_code, ready.status_code, others) == (200, 503, [200, 200])
    assert "the process is stopping" in ready.text
