import asyncio
from collections.abc import Sequence

import pytest

from core.kernel.batching import MAX_PENDING_ITEMS, Batcher, PendingItem
from core.kernel.errors import Unavailable
from core.kernel.trace import Trace, current_trace

Numbers = Sequence[PendingItem[int, int]]


class Doubling:
    """Doubles numbers in batches, with a delay per batch."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_end = asyncio.Event()
        self.failure: Exception | None = None
        self.traces: list[Trace] = []

    async def __call__(self, batch: Numbers) -> None:
        self.batches.append([each.item for each in batch])
        self.traces.append(current_trace.get())
        await self.may_end.wait()
        if self.failure:
            raise self.failure
        for each in batch:
            each.resolve(2 * each.item)


async def under_way(work: Doubling, *numbers: int) -> tuple[Batcher[int, int], list[asyncio.Task[int]]]:
    """Start one batch, and let the others wait."""
    batches: Batcher[int, int] = Batcher(work)
    asked = []
    for number in numbers:
        asked.append(asyncio.create_task(batches(number)))
        await asyncio.sleep(0.01)
    return batches, asked


async def test_items_arriving_during_a_batch_form_the_next_batch_and_each_gets_its_own_result() -> None:
    work = Doubling()
    _, asked = await under_way(work, 1, 2, 3)
    work.may_end.set()

    assert await asyncio.gather(*asked) == [2, 4, 6]
    assert work.batches == [[1], [2, 3]]


async def test_an_outage_fails_every_pending_item_at_once() -> None:
    work = Doubling()
    _, asked = await under_way(work, 1, 2, 3)
    work.failure = Unavailable("away", retry_after=7)
    work.may_end.set()

    told = await asyncio.gather(*asked, return_exceptions=True)

    assert [(type(each), str(each), each.retry_after) for each in told] == [(Unavailable, "away", 7)] * 3
    assert len({id(each) for each in told}) == 3, "the callers share one exception and its traceback"
    assert work.batches == [[1]]


async def test_a_defect_fails_only_its_own_batch() -> None:
    work = Doubling()
    _, asked = await under_way(work, 1, 2)
    work.failure = ValueError("a defect")
    work.may_end.set()
    with pytest.raises(ValueError, match="a defect"):
        await asked[0]
    assert work.batches == [[1], [2]]


async def test_a_cancelled_item_is_not_processed() -> None:
    work = Doubling()
    _, asked = await under_way(work, 1, 2, 3)
    asked[1].cancel()
    work.may_end.set()

    assert [await asked[0], await asked[2]] == [2, 6]
    assert work.batches == [[1], [3]]


async def test_stopping_the_batcher_fails_every_pending_item() -> None:
    work = Doubling()
    _, asked = await under_way(work, 1, 2)
    [working] = asyncio.all_tasks() - {asyncio.current_task(), *asked}
    working.cancel()

    told = await asyncio.gather(*asked, return_exceptions=True)

    assert [type(each) for each in told] == [Unavailable] * 2


async def test_a_full_queue_rejects_at_once() -> None:
    work = Doubling()
    batches, asked = await under_way(work, 1)
    asked += [asyncio.create_task(batches(number)) for number in range(MAX_PENDING_ITEMS)]
    await asyncio.sleep(0.01)

    with pytest.raises(Unavailable):
        await batches(0)

    work.may_end.set()
    assert len(await asyncio.gather(*asked)) == MAX_PENDING_ITEMS + 1


async def test_a_batch_runs_outside_the_trace_context_of_its_items() -> None:
    work = Doubling()
    current_trace.set(Trace("desk-7", ""))
    _, asked = await under_way(work, 1)
    work.may_end.set()
    await asyncio.gather(*asked)

    assert [trace.request_id for trace in work.traces] != ["desk-7"]
