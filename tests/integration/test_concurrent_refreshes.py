"""Concurrent refreshes share a transaction, and wait for the locks of their own sessions only."""

import asyncio
from collections import Counter

import pytest
from sqlalchemy import event

from config.container import Application
from tests.unit.identity.harness import Office

on_both = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
on_mysql = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
CLIENTS = 32


@on_both
async def test_refreshes_of_many_sessions_share_few_transactions(stored: Application) -> None:
    office = await Office.over(stored).open()
    account = await office.account()
    opened = [await office.signed_in(account) for _ in range(CLIENTS)]
    seen: Counter[str] = Counter()
    engine = stored.storage.database().engine.sync_engine
    event.listen(engine, "commit", lambda _: seen.update(["commits"]))

    refreshed = await asyncio.gather(*(office.identity.refresh_session(each.refresh_token) for each in opened))

    assert len({each.refresh_token for each in refreshed}) == CLIENTS
    assert seen["commits"] <= 3


@on_mysql
async def test_a_refresh_waits_for_its_locked_session_and_the_others_do_not(stored: Application) -> None:
    office = await Office.over(stored).open()
    account = await office.account()
    locked, *free = [await office.signed_in(account) for _ in range(3)]
    async with stored.identity.new_work() as work:
        await work.sessions.lock(locked.session)
        waiting = asyncio.create_task(office.identity.refresh_session(locked.refresh_token))
        await asyncio.gather(*(office.identity.refresh_session(each.refresh_token) for each in free))
        assert not waiting.done()

    assert (await waiting).session == locked.session
