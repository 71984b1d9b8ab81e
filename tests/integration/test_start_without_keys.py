"""HTTP does not start without the keys that it signs with, and says which command makes them."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from config.container import Application
from config.sections.section import Misconfigured, Secret
from config.settings import Settings
from entrypoints.runtime.configured_runtime import ConfiguredRuntime


async def start(application: Application, settings: Settings, **changes: Any) -> None:
    """Serve HTTP until it has started."""
    stop, http = asyncio.Event(), replace(settings.http, port=0)
    changed = replace(settings, serve=("http",), provision=False, http=http, **changes)

    async def on_started(_: object) -> None:
        stop.set()

    async with asyncio.timeout(30):
        await ConfiguredRuntime(application, changed).serve(on_started, stop)


async def test_http_starts_when_a_key_signs(stored: Application, stored_settings: Settings) -> None:
    with pytest.raises(Misconfigured, match="run `bursar keys create`"):
        await start(stored, stored_settings)

    await stored.use_cases().identity.create_signing_key()
    async with asyncio.timeout(10):
        while not await stored.use_cases().identity.list_public_keys():  # read half a second ago
            await asyncio.sleep(0.05)
    await start(stored, stored_settings)


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_processes_that_share_a_database_need_its_secret(stored: Application, stored_settings: Settings) -> None:
    await stored.use_cases().identity.create_signing_key()

    with pytest.raises(Misconfigured, match="set BURSAR__IDENTITY__SECRET to 32 or more"):
        await start(stored, stored_settings, identity=replace(stored_settings.identity, secret=Secret("")))
