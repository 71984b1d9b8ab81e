"""Work that is under way at the same time."""

import asyncio

import pytest

from core.kernel.errors import Conflict
from core.kernel.pipeline import Pipeline


async def test_no_more_is_under_way_than_may_be_and_all_has_ended_at_the_end() -> None:
    running, most, done = 0, 0, 0

    async def work() -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running, done = running - 1, done + 1

    async with Pipeline(3) as pipeline:
        for _ in range(20):
            await pipeline.begin(work())

    assert (most, done) == (3, 20)


async def test_an_error_ends_the_block_after_the_others_have_ended() -> None:
    ended = list[int]()

    async def work(number: int) -> None:
        for _ in range(number):
            await asyncio.sleep(0)
        if number == 2:
            raise Conflict("two")
        ended.append(number)

    with pytest.raises(Conflict):
        async with Pipeline(3) as pipeline:
            for number in (9, 2, 3, 4):
                await pipeline.begin(work(number))

    assert max(ended) == 9
    assert 2 not in ended


async def test_an_error_of_the_block_waits_for_what_is_under_way() -> None:
    ended = list[int]()

    async def work() -> None:
        await asyncio.sleep(0)
        ended.append(1)

    with pytest.raises(RuntimeError):
        async with Pipeline(3) as pipeline:
            await pipeline.begin(work())
            raise RuntimeError
    assert ended == [1]
