"""The runs of jobs in SQL: each step is one autocommit statement, so a suspended process holds no lock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update

from adapters.sql.engine.database import Database
from adapters.sql.engine.now import now
from adapters.sql.engine.tables import insert_ignore
from adapters.sql.jobs.tables import jobs
from core.jobs.job import JobResult, JobState, Outcome
from core.jobs.ports import JobRuns

job = jobs.c


class SqlJobRuns(JobRuns):
    """The rows of jobs; the clock of the database decides what is due and when a lease expires."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def states(self, names: Collection[str]) -> Sequence[JobState]:
        found = await self._known()
        if missing := [name for name in names if name not in found]:
            async with self._database.autocommit() as connection:
                for name in missing:
                    row = {"name": name, "next_at": now(), "until": now(), "holder": "", "token": 0}
                    await connection.execute(insert_ignore(jobs).values(**row, outcome="", done=0, error=""))
            found = await self._known()
        return [found[name] for name in names]

    async def _known(self) -> Mapping[str, JobState]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(select(jobs, now().label("at")))).mappings().all()
        return {row["name"]: JobState(**{**row, "outcome": Outcome(row["outcome"])}) for row in rows}

    async def begin(self, known: JobState, holder: str, seconds: float, *, early: bool = False) -> JobState | None:
        free = (job.token == known.token) & (job.until <= now())
        due = free if early else free & (job.next_at <= now())
        token = known.token + 1
        values = {"holder": holder, "token": token, "until": now(seconds), "started_at": now()}
        taken = await self._update((job.name == known.name) & due, values)
        until = known.at + timedelta(seconds=seconds)
        return replace(known, holder=holder, token=token, until=until, started_at=known.at) if taken else None

    async def renew(self, run: JobState, seconds: float) -> bool:
        return await self._update(held(run), {"until": now(seconds)})

    async def end(self, run: JobState, result: JobResult, pause: float) -> bool:
        values: dict[str, Any] = {
            "until": now(), "ended_at": now(), "next_at": now(pause), "outcome": str(result.outcome),
            "done": result.done, "error": result.error,
        }  # fmt: skip
        if result.outcome == Outcome.DONE:
            values["succeeded_at"] = now()
        return await self._update(held(run), values)

    async def _update(self, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
        async with self._database.autocommit() as connection:
            return (await connection.execute(update(jobs).where(which).values(**values))).rowcount == 1


def held(run: JobState) -> ColumnElement[bool]:
    """Return the condition that a run has its lease still."""
    return (job.name == run.name) & (job.token == run.token) & (job.holder == run.holder) & (job.until > now())
