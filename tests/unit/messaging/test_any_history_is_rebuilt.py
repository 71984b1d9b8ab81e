"""Whatever the office has done: what follows from the log comes back from the log, in bounded memory."""

import asyncio
import tracemalloc
from collections.abc import Collection, Sequence
from dataclasses import replace
from random import Random
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from adapters.encoding import message_from_event
from config.container import Application
from core.fees.submission import FeeSubmitted, Submission
from core.kernel.pace import Pace
from core.messaging.log_records import Comparison, Records, RecordStore
from core.messaging.message import Message
from core.messaging.projections import EventHistory
from tests.applications import an_application, begin_test
from tests.examples import a_submission
from tests.inventory_harness import quiet
from tests.rebuilt_office import NAMES, RebuiltOffice

MIB = 2**20


@given(random=some.randoms(use_true_random=False), commands=some.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_what_was_deleted_comes_back_after_any_history(random: Random, commands: int) -> None:
    async def run() -> None:
        begin_test()
        office = RebuiltOffice(an_application())
        await office.live(random, commands)
        before = await office.dump()
        await office.delete_derived()

        await office.rebuild_all()

        assert await office.dump() == before
        for name in NAMES:
            assert (await office.verify(name)).is_right

    asyncio.run(run())


class EndlessHistory(EventHistory):
    """Makes each page when it is read."""

    def __init__(self, number: int) -> None:
        self._number = number
        submission, event = a_submission()
        self._message = message_from_event(event, UUID(int=1), submission.facts)

    async def newest(self, context: str) -> UUID | None:
        return UUID(int=self._number) if context == "fees" else None

    async def page(self, context: str, after: UUID | None, limit: int) -> Sequence[Message]:
        first = after.int + 1 if after else 1
        ids = [UUID(int=each) for each in range(first, min(first + limit, self._number + 1))]
        return [replace(self._message, id=each, subject=each) for each in ids]

    async def of(self, aggregate: UUID) -> Sequence[Message]:
        return []

    async def gap(self, contexts: Collection[str]) -> str:
        return ""


class Counted(RecordStore):
    """Encodes each record, as a table does, and keeps none."""

    def __init__(self) -> None:
        self.records = 0

    async def complete(self, projection: str, records: Records) -> Comparison:
        for each in records:
            assert isinstance(each, Submission | FeeSubmitted)
            msgspec.json.encode(each)
        self.records += len(records)
        return Comparison()

    async def derive(self, projection: str) -> int:
        return 0


async def peak_mib(application: Application, events: int) -> float:
    """Return the most that a rebuild of so many events has allocated at a time."""
    rebuild, store = application.use_cases().messaging.rebuild_projection, Counted()
    tracemalloc.start()
    report = await replace(rebuild, history=EndlessHistory(events), store=store)("submissions", Pace(), quiet)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (report.events, store.records) == (events, events)
    return peak / MIB


async def test_a_rebuild_of_20_000_events_needs_no_more_memory_than_one_of_2_000() -> None:
    application = an_application()
    few, many = await peak_mib(application, 2_000), await peak_mib(application, 20_000)

    assert many == pytest.approx(few, rel=0.1, abs=0.5)
    assert many < 10
