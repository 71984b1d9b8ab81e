"""The contract of `Timelines`, for every adapter, and what a process makes of it for its followers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from config.container import Application
from core.fees.price_again import FeeRepriced
from core.fees.submission import FeeSubmitted, SubmissionId
from core.fees.timelines.followed_timeline import FollowedTimeline
from core.fees.timelines.timeline_step import TooManyFollowers, UnknownTimelineStep, least_id
from core.fees.timelines.timeline_watch import TimelineWatch
from core.kernel.authorization import Principal, acting_as
from core.kernel.events import Event
from core.kernel.ids import Ids
from core.payments.account_events import account_id
from core.payments.events import FeeClearanceRevoked, FeeCleared
from tests.conftest import eventually
from tests.examples import NOON, a_submission, ids
from tests.units_of_work import any_work

HOUR = timedelta(hours=1)


class OneId(Ids):
    """Makes one id, as one that a transaction made long before its commit."""

    def __init__(self, made: UUID) -> None:
        self._made = made

    def new(self) -> UUID:
        return self._made


async def log(application: Application, *events: Event) -> None:
    """Record events, each in a transaction of its own."""
    for event in events:
        async with any_work(application) as work:
            work.record(event)
            await work.commit()


async def log_late(application: Application, event: Event, made: UUID) -> None:
    """Record an event whose id was made before."""
    async with any_work(application) as work:
        work.ids = OneId(made)
        work.record(event)
        await work.commit()


def submitted() -> FeeSubmitted:
    return a_submission()[1]


def of_account(fee: FeeSubmitted, version: int, kind: Any = FeeCleared) -> Event:
    """Return an event of the account of a fee."""
    known = {"reference": fee.reference, "student": fee.student, "schedule": fee.schedule}
    event: Event = kind(at=NOON, fee=fee.subject, subject=account_id(fee.subject), version=version, **known)
    return event


def repriced(fee: FeeSubmitted) -> FeeRepriced:
    known: Any = {"reference": fee.reference, "student": fee.student, "schedule": fee.schedule, "schedule_version": 2}
    return FeeRepriced(at=NOON, subject=fee.subject, version=2, before=(), after=(), asked_by="account:1", **known)


async def kinds(application: Application, fee: FeeSubmitted) -> list[str]:
    """Return what the steps of a fee are."""
    steps = await application.fees.timelines().steps([SubmissionId(fee.subject)])
    return [each.what for each in steps[SubmissionId(fee.subject)]]


@asynccontextmanager
async def watching(application: Application, **changes: Any) -> AsyncIterator[Callable[..., Any]]:
    """Yield a function that follows the timeline of a fee."""
    times = {"poll_interval": timedelta(milliseconds=20), "sweep_interval": HOUR}
    given = {"max_followers": 10, "max_per_subject": 10} | times | changes
    watch = TimelineWatch(application.fees.timelines(), application.process.clock(), **given)
    opened: list[FollowedTimeline] = []

    async def follow(fee: FeeSubmitted, last: str = "") -> FollowedTimeline:
        opened.append(await watch.follow(SubmissionId(fee.subject), last))
        return opened[-1]

    try:
        yield follow
    finally:
        for each in opened:
            each.close()


async def received(followed: FollowedTimeline, wanted: int) -> Sequence[str]:
    """Return what the next steps are."""
    found: list[str] = []

    def has_all() -> bool:
        found.extend(each.what for each in followed.unseen())
        return len(found) >= wanted

    await eventually(has_all)
    return found


async def test_the_steps_are_the_submission_and_then_the_account_by_version(stored: Application) -> None:
    fee, other = submitted(), submitted()
    early = ids.new()
    await log(stored, fee, other, of_account(other, 1), of_account(fee, 1))
    await log_late(stored, of_account(fee, 2, FeeClearanceRevoked), early)

    assert await kinds(stored, fee) == ["FeeSubmitted", "FeeCleared", "FeeClearanceRevoked"]
    assert await kinds(stored, other) == ["FeeSubmitted", "FeeCleared"]


async def test_a_repricing_is_no_step(stored: Application) -> None:
    fee = submitted()
    await log(stored, fee, repriced(fee), of_account(fee, 1))

    assert await kinds(stored, fee) == ["FeeSubmitted", "FeeCleared"]


async def test_what_was_written_since_a_moment_is_told_by_aggregate(stored: Application) -> None:
    fee, now = submitted(), stored.process.clock().now()
    await log_late(stored, of_account(submitted(), 1), least_id(now - HOUR))
    await log(stored, fee, of_account(fee, 1))
    timelines = stored.fees.timelines()

    assert {*await timelines.written_since(now - timedelta(seconds=1))} == {fee.subject, account_id(fee.subject)}
    assert len({*await timelines.written_since(now - 2 * HOUR)}) == 3
    assert {*await timelines.written_since(now + HOUR)} == set()


async def test_a_follower_gets_each_step_once_in_order(stored: Application) -> None:
    fee, other = submitted(), submitted()
    await log(stored, fee, other)
    async with watching(stored) as follow:
        first, second = await follow(fee), await follow(fee)
        assert await received(first, 1) == ["FeeSubmitted"]
        await log(stored, of_account(other, 1), of_account(fee, 1))
        assert await received(first, 1) == ["FeeCleared"]
        await log(stored, of_account(fee, 2, FeeClearanceRevoked))
        assert await received(first, 1) == ["FeeClearanceRevoked"]
        assert await received(second, 3) == ["FeeSubmitted", "FeeCleared", "FeeClearanceRevoked"]
        assert [*first.unseen(), *second.unseen()] == []


async def test_an_event_that_commits_long_after_its_id_was_made_is_not_missed(stored: Application) -> None:
    fee = submitted()
    first, second = [least_id(stored.process.clock().now() - hours * HOUR) for hours in (1, 2)]
    await log(stored, fee)
    await log_late(stored, of_account(fee, 1), first)
    async with watching(stored, sweep_interval=timedelta(seconds=0.1)) as follow:
        followed = await follow(fee)
        assert await received(followed, 2) == ["FeeSubmitted", "FeeCleared"]
        await log_late(stored, of_account(fee, 2, FeeClearanceRevoked), second)
        assert await received(followed, 1) == ["FeeClearanceRevoked"]


async def test_a_timeline_goes_on_after_any_of_its_steps(stored: Application) -> None:
    fee = submitted()
    await log(stored, fee, of_account(fee, 1), of_account(fee, 2, FeeClearanceRevoked))
    async with watching(stored) as follow:
        steps = (await follow(fee)).unseen()
        rest = [list((await follow(fee, str(each.id))).unseen()) for each in steps]

    assert rest == [list(steps[1:]), list(steps[2:]), []]


@pytest.mark.parametrize("last", ["forged", "unknown", "x", "{0}\n", "\u0660" * 32])
async def test_a_step_that_the_timeline_does_not_have_is_refused(stored: Application, last: str) -> None:
    fee, other = submitted(), submitted()
    await log(stored, fee, other)
    timelines = stored.fees.timelines()
    [of_other] = (await timelines.steps([SubmissionId(other.subject)]))[SubmissionId(other.subject)]
    sent = {"forged": str(of_other.id), "unknown": str(ids.new())}.get(last, last)
    async with watching(stored, max_followers=1) as follow:
        with pytest.raises(UnknownTimelineStep):
            await follow(fee, sent)
        await follow(fee)  # what was refused takes no place


async def test_a_process_and_an_account_follow_a_limited_number_of_timelines(stored: Application) -> None:
    fee = submitted()
    await log(stored, fee)
    async with watching(stored, max_followers=3, max_per_subject=2) as follow:
        with acting_as(Principal(subject="account:1")):
            first = await follow(fee)
            await follow(fee)
            with pytest.raises(TooManyFollowers):
                await follow(fee)
        with acting_as(Principal(subject="account:2")):
            await follow(fee)
        with acting_as(Principal(subject="account:3")), pytest.raises(TooManyFollowers):
            await follow(fee)
        first.close()
        first.close()  # a second end frees no second place
        with acting_as(Principal(subject="account:1")):
            await follow(fee)
            with pytest.raises(TooManyFollowers):
                await follow(fee)


async def test_a_process_without_followers_reads_nothing(stored: Application) -> None:
    fee = submitted()
    await log(stored, fee)
    before = asyncio.all_tasks()
    async with watching(stored) as follow:
        first, second = await follow(fee), await follow(replace(fee))
        assert asyncio.all_tasks() - before
        first.close()
        assert asyncio.all_tasks() - before
        second.close()
        await eventually(lambda: not asyncio.all_tasks() - before)
