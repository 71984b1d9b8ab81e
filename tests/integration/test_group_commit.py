"""Concurrent units of work share a transaction; a failure of one does not affect the others."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event

from adapters.sql.engine.database import Database
from adapters.sql.engine.group_commit import GroupCommit
from adapters.sql.engine.transactions import Commit, SingleCommits, Transactions
from config.container import Application
from core.fees.errors import FeeAlreadySubmitted
from core.kernel.batching import MAX_PENDING_ITEMS, Batcher
from core.kernel.errors import Unavailable
from core.kernel.idempotency import RequestRepeated
from tests.examples import a_delivery, a_request, a_submission, unpublished
from tests.units_of_work import any_work

on_both = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
CONCURRENT_SUBMISSIONS = 100


def transactions(application: Application) -> Counter[str]:
    """Count the commits of the database."""
    seen: Counter[str] = Counter()
    engine = application.storage.database().engine.sync_engine
    event.listen(engine, "commit", lambda _: seen.update(["commits"]))
    event.listen(engine, "before_cursor_execute", lambda *_: seen.update(["statements"]))
    return seen


async def submit(application: Application, student: UUID | None = None, key: str | None = None) -> str:
    """Submit once, and return the result."""
    submission, submitted = a_submission(student)
    try:
        async with any_work(application) as work:
            work.submissions.add(submission)
            work.record(submitted)
            work.record_answer(a_request(key or str(submission.id)), submission)
            await work.commit()
    except Exception as refusal:
        return type(refusal).__name__
    return "stored"


@on_both
async def test_concurrent_submissions_share_few_transactions_with_one_statement_per_table(stored: Application) -> None:
    seen = transactions(stored)

    ended = Counter(await asyncio.gather(*(submit(stored) for _ in range(CONCURRENT_SUBMISSIONS))))

    assert ended == {"stored": CONCURRENT_SUBMISSIONS}
    assert seen["commits"] <= 3
    assert seen["statements"] <= 3 * (4 + len(["BEGIN"]))
    assert len(await unpublished(stored, 2 * CONCURRENT_SUBMISSIONS)) == CONCURRENT_SUBMISSIONS


@on_both
async def test_a_lone_submission_is_committed_without_delay(stored: Application) -> None:
    seen = transactions(stored)

    assert [await submit(stored) for _ in range(3)] == ["stored"] * 3

    assert seen["commits"] == 3


@on_both
async def test_in_a_group_commit_only_duplicates_are_refused(stored: Application) -> None:
    asha, ravi = uuid4(), uuid4()
    assert await submit(stored, asha, "first") == "stored"
    seen = transactions(stored)

    crowd = [submit(stored) for _ in range(CONCURRENT_SUBMISSIONS)]
    same_fee = [submit(stored, asha) for _ in range(3)]
    same_key = [submit(stored, key="first") for _ in range(3)]
    rivals = [submit(stored, ravi) for _ in range(3)]
    ended = await asyncio.gather(*crowd, *same_fee, *same_key, *rivals)

    assert Counter(ended[:CONCURRENT_SUBMISSIONS]) == {"stored": CONCURRENT_SUBMISSIONS}
    assert (
        ended[CONCURRENT_SUBMISSIONS : CONCURRENT_SUBMISSIONS + 6]
        == [FeeAlreadySubmitted.__name__] * 3 + [RequestRepeated.__name__] * 3
    )
    assert Counter(ended[CONCURRENT_SUBMISSIONS + 6 :]) == {"stored": 1, FeeAlreadySubmitted.__name__: 2}
    assert len(await unpublished(stored, 2 * CONCURRENT_SUBMISSIONS)) == CONCURRENT_SUBMISSIONS + 2
    assert seen["commits"] <= 5, "the innocent were not stored together"


@on_both
async def test_a_full_commit_queue_rejects_at_once_and_a_retry_succeeds(stored: Application) -> None:
    ended = Counter(await asyncio.gather(*(submit(stored) for _ in range(MAX_PENDING_ITEMS + 50))))

    assert ended == {"stored": MAX_PENDING_ITEMS, "Unavailable": 50}
    assert await submit(stored) == "stored"


@on_both
async def test_of_concurrent_submissions_with_one_key_one_takes_effect(stored: Application) -> None:
    ended = Counter(await asyncio.gather(*(submit(stored, key="the only one") for _ in range(50))))

    assert ended == {"stored": 1, RequestRepeated.__name__: 49}
    assert len(await unpublished(stored)) == 1


@on_both
async def test_a_cancelled_submission_does_not_affect_its_group(stored: Application) -> None:
    staying = [asyncio.create_task(submit(stored)) for _ in range(20)]
    leaving = [asyncio.create_task(submit(stored)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in leaving:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*leaving)

    assert Counter(await asyncio.gather(*staying)) == {"stored": 20}


@on_both
async def test_a_row_too_large_for_its_column_fails_alone_in_its_group(stored: Application) -> None:
    async def owe(attempts: int) -> None:
        async with any_work(stored) as work:
            work.deliveries.add(a_delivery(attempts=attempts))
            await work.commit()

    ended = await asyncio.gather(
        *(owe(2**70 if at == 37 else 0) for at in range(CONCURRENT_SUBMISSIONS)), return_exceptions=True
    )

    assert [at for at, failure in enumerate(ended) if failure] == [37]
    assert not isinstance(ended[37], Unavailable)


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)  # only MySQL has concurrent writers
async def test_a_submission_blocked_by_a_lock_delays_only_its_own_group(stored: Application) -> None:
    async with stored.messaging.new_inbox() as slow:
        async with any_work(stored, slow) as part:
            part.record_answer(a_request("held"), "first")
            await part.commit()
        held = asyncio.create_task(submit(stored, key="held"))
        with_him = [asyncio.create_task(submit(stored)) for _ in range(20)]
        ended = Counter(await asyncio.gather(*with_him))
        async with asyncio.timeout(1.5):
            after_him = await submit(stored)
        assert not held.done()
        await slow.commit()

    assert (ended, after_him) == ({"stored": 20}, "stored")
    assert await held == RequestRepeated.__name__


class LostAcknowledgement:
    """A transaction whose connection is lost during its commit."""

    def __init__(self, commit: Callable[[], Awaitable[None]], *, after: bool) -> None:
        self._commit, self._after = commit, after

    async def commit(self) -> None:
        if self._after:
            await self._commit()
        raise Unavailable("the connection was cut")


@on_both
@pytest.mark.parametrize("after", [True, False])
async def test_the_outcome_of_an_unacknowledged_commit_is_looked_up(stored: Application, *, after: bool) -> None:
    real, cuts = stored.storage.database(), [after]

    class Wire(Database):
        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            async with super().transaction() as (connection, transaction):
                yield connection, LostAcknowledgement(transaction.commit, after=cuts.pop()) if cuts else transaction

    wire = Wire(real.engine, real.reader, real.write_lock)
    commits: Commit = Batcher(GroupCommit(wire, SingleCommits(wire)).commit_batch)
    transactions = Transactions(wire, commits, lambda _: None)

    async def one() -> str:
        submission, submitted = a_submission()
        try:
            async with stored.fees.new_work(within=transactions) as work:
                work.submissions.add(submission)
                work.record(submitted)
                await work.commit()
        except Unavailable:
            return "unavailable"
        return "stored"

    ended = Counter(await asyncio.gather(*(one() for _ in range(4))))

    assert ended == {"stored" if after else "unavailable": 4}
    assert len(await unpublished(stored)) == (4 if after else 0)
