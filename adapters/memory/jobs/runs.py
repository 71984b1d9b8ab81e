"""The runs of jobs of the memory database."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from adapters.memory.engine.database import MemoryDatabase
from core.jobs.job import JobResult, JobState, Outcome
from core.jobs.ports import JobRuns
from core.kernel.clock import Clock


class MemoryJobRuns(JobRuns):
    """Rows as a dictionary; the clock of the process decides."""

    def __init__(self, database: MemoryDatabase, clock: Clock) -> None:
        self._jobs, self._clock = database.jobs, clock

    async def states(self, names: Collection[str]) -> Sequence[JobState]:
        at = self._clock.now()
        for name in names:
            self._jobs.setdefault(name, JobState(name=name, at=at, next_at=at, until=at))
        return [replace(self._jobs[name], at=at) for name in names]

    async def begin(self, known: JobState, holder: str, seconds: float, *, early: bool = False) -> JobState | None:
        at, state = self._clock.now(), self._jobs[known.name]
        if state.token != known.token or state.until > at or not (early or state.next_at <= at):
            return None
        run = replace(state, holder=holder, token=state.token + 1, until=at + timedelta(seconds=seconds), started_at=at)
        self._jobs[known.name] = run
        return run

    async def renew(self, run: JobState, seconds: float) -> bool:
        at = self._clock.now()
        if held := self._holds(run, at):
            self._jobs[run.name] = replace(self._jobs[run.name], until=at + timedelta(seconds=seconds))
        return held

    async def end(self, run: JobState, result: JobResult, pause: float) -> bool:
        at = self._clock.now()
        if not self._holds(run, at):
            return False
        state = self._jobs[run.name]
        self._jobs[run.name] = replace(
            state,
            until=at,
            ended_at=at,
            next_at=at + timedelta(seconds=pause),
            outcome=result.outcome,
            done=result.done,
            error=result.error,
            succeeded_at=at if result.outcome == Outcome.DONE else state.succeeded_at,
        )
        return True

    def _holds(self, run: JobState, at: datetime) -> bool:
        state = self._jobs[run.name]
        return state.token == run.token and state.holder == run.holder and state.until > at
