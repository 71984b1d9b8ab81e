"""The scheduler adds up postings more often while many arrive."""

import asyncio

import pytest

from entrypoints.scheduler import scheduler
from entrypoints.scheduler.scheduler import MANY_POSTINGS, while_busy


async def test_postings_are_added_up_until_few_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "BUSY_INTERVAL_SECONDS", 0.001)
    left = [9_000, MANY_POSTINGS, 3, 9_000]

    async def add_up() -> int:
        return left.pop(0)

    assert await while_busy(add_up, MANY_POSTINGS, asyncio.Event()) == 9_000 + MANY_POSTINGS + 3
    assert left == [9_000]


async def test_a_stop_ends_it_while_many_arrive() -> None:
    stop, left = asyncio.Event(), [9_000, 9_000]

    async def add_up() -> int:
        stop.set()
        return left.pop(0)

    assert await while_busy(add_up, MANY_POSTINGS, stop) == 9_000
    assert left == [9_000]
