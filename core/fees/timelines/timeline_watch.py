"""Reads what is new in the event log for all timelines that a process follows; without followers, nothing."""

import asyncio
from collections import Counter
from contextvars import Context
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from core.fees.submission import SubmissionId
from core.fees.timelines.followed_timeline import FollowedTimeline, WatchedTimeline, place_after
from core.fees.timelines.timeline_step import Timelines, TooManyFollowers
from core.kernel.authorization import current_principal
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable

OVERLAP = timedelta(seconds=1)
"""Read again each time: transactions that commit late, and clocks of other machines that are behind."""
MAX_TIMELINES_PER_QUERY = 200
RETRY_AFTER_SECONDS = 5


@dataclass(slots=True)
class TimelineWatch:
    """Follows timelines: one query for all of them finds the new events, and one reads the timelines that have some.

    What a query misses, since its transaction committed more than `OVERLAP` after it made the id, is found when all
    timelines are read, each `sweep_interval`.
    """

    timelines: Timelines
    clock: Clock
    max_followers: int
    max_per_subject: int
    poll_interval: timedelta = timedelta(milliseconds=200)
    sweep_interval: timedelta = timedelta(seconds=15)
    _watched: dict[UUID, WatchedTimeline] = field(default_factory=dict)
    """By the aggregate of the fee account."""
    _followers: Counter[str] = field(default_factory=Counter)
    _watching: asyncio.Task[None] | None = None

    async def follow(self, submission: SubmissionId, last: str) -> FollowedTimeline:
        """Follow a timeline after its step `last`, or from its beginning; the caller closes it.

        Raises `TooManyFollowers` and `UnknownTimelineStep`.
        """
        subject = current_principal.get().subject
        self._admit(subject)
        try:
            steps = (await self.timelines.steps([submission]))[submission]
            seen = place_after(steps, last)
        except BaseException:
            self._dismiss(subject)
            raise
        account = self.timelines.account(submission)
        watched = self._watched.setdefault(account, WatchedTimeline(submission, steps))
        watched.extend(steps)
        followed = FollowedTimeline(watched, seen, subject, self._leave)
        watched.followers.add(followed)
        if self._watching is None or self._watching.done():
            # In a context of its own: the trace and the principal of this request are not those of the watch.
            self._watching = asyncio.create_task(self._watch(self.clock.now()), context=Context())
        return followed

    def _admit(self, subject: str) -> None:
        if self._followers.total() >= self.max_followers:
            raise TooManyFollowers("this process follows as many timelines as it may", retry_after=RETRY_AFTER_SECONDS)
        if self._followers[subject] >= self.max_per_subject:
            told = f"{subject} follows {self.max_per_subject} timelines already: end one of them"
            raise TooManyFollowers(told, retry_after=RETRY_AFTER_SECONDS)
        self._followers[subject] += 1

    def _dismiss(self, subject: str) -> None:
        self._followers[subject] -= 1
        if not self._followers[subject]:
            del self._followers[subject]

    def _leave(self, followed: FollowedTimeline) -> None:
        watched = followed.watched
        if followed not in watched.followers:
            return
        watched.followers.remove(followed)
        self._dismiss(followed.subject)
        if not watched.followers:
            del self._watched[self.timelines.account(watched.submission)]

    async def _watch(self, since: datetime) -> None:
        """Read what is new while there are followers; an outage delays steps, and loses none."""
        swept = since
        while True:
            await asyncio.sleep(self.poll_interval.total_seconds())
            if not self._watched:
                self._watching = None
                return
            began = self.clock.now()
            is_sweep = not timedelta(0) <= began - swept < self.sweep_interval  # also when the clock was set back
            try:
                found = self._watched if is_sweep else await self.timelines.written_since(since - OVERLAP)
                await self._read(self._watched.keys() & found)
            except Unavailable:
                continue
            since, swept = began, began if is_sweep else swept

    async def _read(self, accounts: set[UUID]) -> None:
        wanted = [*accounts]
        for first in range(0, len(wanted), MAX_TIMELINES_PER_QUERY):
            some = wanted[first : first + MAX_TIMELINES_PER_QUERY]
            watched = [self._watched[each] for each in some if each in self._watched]  # some have left meanwhile
            told = await self.timelines.steps([each.submission for each in watched])
            for each in watched:
                each.extend(told[each.submission])
