"""`bursar jobs`: what the scheduler does, and a run of one job now."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

import typer
from rich.table import Table

from core.jobs.job import Job, JobFailed, JobResult, JobState, Outcome
from core.kernel.errors import CoreError
from core.use_cases import UseCases
from entrypoints.cli.command_runner import EXIT_INTERRUPTED, AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.options import Who, Why, decision
from entrypoints.cli.runtime import Runtime
from entrypoints.jobs import JOBS, NAMES, job_named

Name = Annotated[str, typer.Argument(metavar="NAME", help="Which job: overdue_fees_fined.")]
commands = typer.Typer()


@dataclass(frozen=True, slots=True)
class ListedJob:
    """A job as it is listed."""

    name: str
    does: str
    every_seconds: float
    missed: str
    running: bool
    process: str
    """The process that began the last run."""
    started_at: datetime | None
    seconds: float | None
    outcome: str
    done: int
    error: str
    next_at: datetime


@commands.command("list", epilog="Example: bursar jobs list --config production.toml")
def list_jobs(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """List every job of the scheduler: how often, its last run, and when the next one is due."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[ListedJob]:
        states = await runtime.use_cases.jobs.list_jobs(NAMES)
        return [listed(job, state) for job, state in zip(JOBS, states, strict=True)]

    runner.print(runner.run_provisioned(config, work), render, json=json)


@commands.command(epilog="Example: bursar jobs run overdue_fees_fined --why 'the scheduler was off'")
def run(
    context: typer.Context, name: Name, why: Why, who: Who = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Run a job now, unless a process runs it; Ctrl-C ends it, and its next run is due at once."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> JobResult | None:
        job, stop = job_named(name), asyncio.create_task(stop_on_signals().wait())
        started = runtime.use_cases.jobs.run_job_now(job, partial(job.work, runtime.use_cases), decision(who, why))
        running = asyncio.ensure_future(started)
        await asyncio.wait({running, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        running.cancel()
        await asyncio.wait({running})
        if running.cancelled():
            return None
        try:
            return running.result()
        except CoreError:
            raise
        except Exception as error:
            raise JobFailed.told(name, error) from error

    result = runner.run_provisioned(config, work)
    if result is None:
        runner.err.print("stopped; the next run is due at once")
        raise typer.Exit(EXIT_INTERRUPTED)
    runner.print(result, lambda told: f"{name}: done {told.done}", json=json)


def listed(job: Job[UseCases], state: JobState) -> ListedJob:
    """Return what a list shows of a job."""
    return ListedJob(
        job.name, job.does, job.every.total_seconds(), job.missed, state.is_running, state.holder, state.started_at,
        state.seconds, state.outcome, state.done, state.error, state.next_at,
    )  # fmt: skip


def render(jobs: Sequence[ListedJob]) -> Table:
    """Return a table of jobs."""
    table = Table("job", "every", "last run", "by", "took", "outcome", "next run", "missed runs", "does")
    for each in jobs:
        took = "" if each.seconds is None else f"{each.seconds:.3f} s"
        started = f"{each.started_at:%Y-%m-%d %H:%M:%S}" if each.started_at else "never"
        due = f"{each.next_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(
            each.name,
            f"{each.every_seconds:g} s",
            started,
            each.process,
            took,
            outcome(each),
            due,
            each.missed,
            each.does,
        )
    return table


def outcome(job: ListedJob) -> str:
    """Return what became of the last run."""
    if job.running:
        return "running"
    told = {Outcome.DONE: f"done {job.done}", Outcome.FAILED: f"failed: {job.error}"}
    return told.get(Outcome(job.outcome), job.outcome)
