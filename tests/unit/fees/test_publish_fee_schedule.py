import asyncio
from dataclasses import replace
from typing import Any

import pytest

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.fees.schedules_and_submissions import MemoryTariffs
from core.fees.errors import InvalidSchedule, SchedulePublishedMeanwhile
from core.fees.schedule import FeeSchedule
from tests.unit.fees.harness import FeesHarness
from tests.unit.fees.schedules import document

CODE = "cbse-2020-xii"


@pytest.fixture
def harness() -> FeesHarness:
    return FeesHarness()


async def in_force(harness: FeesHarness) -> list[tuple[str, int, str]]:
    return [(schedule.code, schedule.version, schedule.title) for schedule in await harness.list_schedules()]


def cbse(**changes: Any) -> dict[str, Any]:
    return document(CODE) | changes


async def test_the_first_publication_is_version_one(harness: FeesHarness) -> None:
    published = await harness.publish(cbse(title="CBSE"))

    assert (published.code, published.version) == (CODE, 1)
    assert await in_force(harness) == [(CODE, 1, "CBSE")]


async def test_the_same_document_again_changes_nothing(harness: FeesHarness) -> None:
    first = await harness.publish(cbse())

    assert await harness.publish(cbse()) == first
    assert len(harness.store.schedules) == 1


async def test_another_order_of_keys_is_no_change(harness: FeesHarness) -> None:
    await harness.publish(cbse())

    assert (await harness.publish(dict(reversed(cbse().items())))).version == 1


async def test_a_change_makes_the_next_version_and_keeps_the_old_one(harness: FeesHarness) -> None:
    await harness.publish(cbse(title="First"))
    second = await harness.publish(cbse(title="Second"))
    third = await harness.publish(cbse(title="First"))

    assert (second.version, third.version) == (2, 3)
    assert await in_force(harness) == [(CODE, 3, "First")]
    assert harness.store.schedules[CODE, 2] == second


async def test_another_kit_is_a_change(harness: FeesHarness) -> None:
    versions = [(await harness.publish(cbse(kit=kit))).version for kit in ("KIT", "KIT", "kit", None)]

    assert versions == [1, 1, 2, 3]


async def test_each_schedule_counts_its_own_versions(harness: FeesHarness) -> None:
    await harness.publish(cbse(title="First"))
    await harness.publish(cbse(title="Second"))
    await harness.publish(document("neet-ug-2026"))

    assert [row[:2] for row in await in_force(harness)] == [(CODE, 2), ("neet-ug-2026", 1)]


async def test_a_document_under_the_code_of_another_is_refused(harness: FeesHarness) -> None:
    with pytest.raises(InvalidSchedule, match="'cbse-2020-xii', not for 'cbse-2020-x'") as refused:
        await harness.publish(cbse(), "cbse-2020-x")

    assert refused.value.at == "$.code"
    assert await in_force(harness) == []


async def test_a_document_under_its_own_code_is_taken(harness: FeesHarness) -> None:
    assert (await harness.publish(cbse(), CODE)).version == 1


async def test_a_refused_document_leaves_the_old_one_in_force(harness: FeesHarness) -> None:
    await harness.publish(cbse(title="First"))
    with pytest.raises(InvalidSchedule):
        await harness.publish(cbse(title="Second", rules=[]))

    assert await in_force(harness) == [(CODE, 1, "First")]


async def test_a_version_cannot_be_chosen_by_the_document(harness: FeesHarness) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        await harness.publish(cbse(version=7))

    assert refused.value.at == "$.version"


class BarrierTariffs(MemoryTariffs):
    """Returns the version in force only when all publishers have asked for it."""

    def __init__(self, store: MemoryDatabase, all_asked: asyncio.Barrier) -> None:
        super().__init__(store)
        self._all_asked = all_asked

    async def current(self, code: str) -> FeeSchedule:
        found = await super().current(code)
        await self._all_asked.wait()
        return found


async def test_of_two_changes_at_once_one_loses_and_nothing_is_overwritten(harness: FeesHarness) -> None:
    await harness.publish(cbse(title="First"))
    publish = replace(harness.publish, tariffs=BarrierTariffs(harness.store, asyncio.Barrier(2)))
    changes = (publish(cbse(title=title)) for title in ("Second", "Another"))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)

    [winner] = [outcome for outcome in outcomes if isinstance(outcome, FeeSchedule)]
    assert [type(outcome) for outcome in outcomes if outcome is not winner] == [SchedulePublishedMeanwhile]
    assert await in_force(harness) == [(CODE, 2, winner.title)]
