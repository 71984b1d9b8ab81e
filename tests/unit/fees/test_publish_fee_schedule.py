import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.fees.schedules_and_submissions import MemoryTariffs
from core.fees.errors import InvalidSchedule, SchedulePublishedMeanwhile
from core.fees.schedule import FeeSchedule
from core.kernel.errors import Invalid
from tests.unit.fees.harness import FeesHarness
from tests.unit.fees.schedules import a_candidate, a_choice, document, shipped

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


@pytest.mark.parametrize("currency", ["XXY", "XAU", "XXX", "XTS", "XDR", "BGN", "rupees", "inr", "", "₹"])
async def test_what_is_no_current_currency_is_refused(harness: FeesHarness, currency: str) -> None:
    with pytest.raises(InvalidSchedule, match="no current currency of ISO 4217") as refused:
        await harness.publish(cbse(currency=currency))

    assert refused.value.at == "$.currency"
    assert await in_force(harness) == []


async def test_a_moment_that_no_clock_shows_is_refused(harness: FeesHarness) -> None:
    closing = datetime(2027, 3, 14, 2, 30)  # noqa: DTZ001
    with pytest.raises(InvalidSchedule, match="no clock in America/New_York shows 2027-03-14 02:30:00") as refused:
        await harness.publish(cbse(zone="America/New_York", closes={"submission": closing}))

    assert refused.value.at == "$.closes.submission"


async def test_a_stored_schedule_in_no_currency_is_listed_and_prices_nothing(harness: FeesHarness) -> None:
    stored = replace(shipped(CODE), currency="XTS", version=1)
    async with harness.new_work() as work:
        work.schedules.add(stored, harness.clock.now())
        await work.commit()

    assert await in_force(harness) == [(CODE, 1, stored.title)]
    with pytest.raises(Invalid, match="'XTS' is no currency") as refused:
        stored.price(a_candidate(), a_choice(5), harness.clock.now())
    assert refused.value.at == "$.currency"


async def test_a_stored_schedule_in_a_withdrawn_currency_is_still_in_force(harness: FeesHarness) -> None:
    stored = replace(shipped(CODE), currency="BGN", version=1)
    async with harness.new_work() as work:
        work.schedules.add(stored, harness.clock.now())
        await work.commit()

    assert await harness.publish(cbse(currency="BGN")) == stored
    with pytest.raises(InvalidSchedule):
        await harness.publish(cbse(currency="BGN", title="Second"))


class BarrierTariffs(MemoryTariffs):
    """Returns the version in force at first only when all publishers have asked for it."""

    def __init__(self, store: MemoryDatabase, publishers: int) -> None:
        super().__init__(store)
        self._asked, self._all_asked = 0, asyncio.Barrier(publishers)

    async def newest(self, code: str) -> FeeSchedule | None:
        found = await super().newest(code)
        self._asked += 1
        if self._asked <= self._all_asked.parties:
            await self._all_asked.wait()
            return found
        return await super().newest(code)


async def test_of_two_changes_at_once_one_loses_and_nothing_is_overwritten(harness: FeesHarness) -> None:
    await harness.publish(cbse(title="First"))
    publish = replace(harness.publish, tariffs=BarrierTariffs(harness.store, 3))
    changes = (publish(cbse(title=title)) for title in ("Second", "Another", "Another"))
    outcomes = await asyncio.gather(*changes, return_exceptions=True)

    winner = next(outcome for outcome in outcomes if isinstance(outcome, FeeSchedule))
    wanted = ["Second", "Another", "Another"]
    assert [outcome == winner for outcome in outcomes] == [title == winner.title for title in wanted]
    losers = [outcome for outcome in outcomes if outcome != winner]
    assert losers
    assert {type(loser) for loser in losers} == {SchedulePublishedMeanwhile}
    assert await in_force(harness) == [(CODE, 2, winner.title)]
