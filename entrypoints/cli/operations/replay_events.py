"""`bursar replay`: process logged events again."""

from collections.abc import Mapping
from typing import Annotated, NamedTuple
from uuid import UUID

import typer
from rich.progress import Progress

from core.kernel.decisions import Decision
from core.kernel.pace import Pace
from core.kernel.period import Period
from core.kernel.text import escape_unprintable
from core.messaging.event_log import EventReplay
from core.messaging.replay_events import ReplayProgress
from entrypoints.cli.command_runner import (
    EXIT_INTERRUPTED,
    AsJson,
    CommandRunner,
    ConfigFile,
    exit_code,
    stop_on_signals,
)
from entrypoints.cli.options import Rate, Who, Why, decision, parse_moment
from entrypoints.cli.runtime import Runtime

MAX_REPORTED_FAILURES = 20
SEND = "Send the missing notices: recipients whose deliveries were lost hear it again."
UNTIL = "Before then. What is committed later, or not taken in yet, comes by the broker as always."
Since = Annotated[str, typer.Option("--from", metavar="MOMENT", help="From then on: 2026-11-20T00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", metavar="MOMENT", help=UNTIL, show_default="now")]
ConsumerName = Annotated[str, typer.Option("--consumer", help="Whose effects: bursar.")]
EventType = Annotated[str | None, typer.Option("--type", help="Only events of this type.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count.")]
Send = Annotated[bool, typer.Option("--send", help=SEND)]
commands = typer.Typer()


class ReplayOptions(NamedTuple):
    """The events that are replayed, and how."""

    consumer: str
    since: str
    until: str | None
    type: str | None
    send: bool
    dry: bool

    def parse(self, runtime: Runtime) -> EventReplay:
        """Return the replay of the core, which ends now at the latest; raise `Invalid`."""
        now = runtime.clock.now()
        since, until = parse_moment(self.since, "$.from") or now, parse_moment(self.until, "$.to") or now
        period = Period(since=since, until=min(until, now))
        return EventReplay(consumer=self.consumer, period=period, type=self.type, send=self.send, dry_run=self.dry)


@commands.command(epilog="Example: bursar replay --consumer bursar --from 2026-11-20T00:00Z --why 'a table was lost'")
def replay(
    context: typer.Context,
    since: Since,
    consumer: ConsumerName,
    why: Why,
    until: Until = None,
    event_type: EventType = None,
    rate: Rate = None,
    dry_run: DryRun = False,
    send: Send = False,
    who: Who = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Take logged events in again: what they caused stays as it is, what is missing is made, and not sent."""
    runner: CommandRunner = context.obj
    options = ReplayOptions(consumer, since, until, event_type, send, dry_run)
    report, pace = ReplayReport(dry=dry_run), Pace(rate)

    async def work(runtime: Runtime) -> None:
        pace.stop = stop_on_signals()
        await replay_with_progress(runner, runtime, options.parse(runtime), decision(who, why), pace, report)

    try:
        runner.run_provisioned(config, work)
    finally:  # `Unavailable` can end it in the middle
        report.print(runner, json=json)
    if pace.stop.is_set():
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.exit_code:
        raise typer.Exit(report.exit_code)


class ReplayReport:
    """How far a replay came, its first failures, and the exit code of the very first."""

    def __init__(self, *, dry: bool) -> None:
        self._progress: ReplayProgress | None = None
        self._dry = dry
        self._failures: dict[UUID, Exception] = {}

    @property
    def exit_code(self) -> int:
        """Return the exit code of the first failure, or 0."""
        return next((exit_code(failure) for failure in self._failures.values()), 0)

    def note(self, progress: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
        """Remember the progress and the first `MAX_REPORTED_FAILURES` failures."""
        self._progress = progress
        self._failures.update(list(failures.items())[: MAX_REPORTED_FAILURES - len(self._failures)])

    def print(self, runner: CommandRunner, *, json: bool) -> None:
        """Print failures and counts, unless the replay never began."""
        if self._progress is None:
            return
        for event, reason in self._failures.items():
            runner.err.print(f"{event}: {escape_unprintable(f'{type(reason).__name__}: {reason}')}", soft_wrap=True)
        counts = {name: getattr(self._progress, name) for name in ("taken", "left", "dead_letters", "failed")}
        runner.print(counts, self._summary, json=json)

    def _summary(self, counts: Mapping[str, int]) -> str:
        done = "would be taken in" if self._dry else "taken in"
        left = f"{counts['left']:,} left to the broker, {counts['dead_letters']:,} are dead letters"
        return f"{counts['taken']:,} events {done}, {left}, {counts['failed']:,} failed"


async def replay_with_progress(
    runner: CommandRunner, runtime: Runtime, which: EventReplay, decided: Decision, pace: Pace, report: ReplayReport
) -> None:
    """Replay events while a progress bar follows their times."""
    since = which.period.since
    with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as bars:
        bar = bars.add_task("replaying", total=(which.period.until - since).total_seconds())

        def on_progress(progress: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
            bars.update(bar, completed=(progress.until - since).total_seconds())
            report.note(progress, failures)

        await runtime.use_cases.messaging.replay_events(which, decided, pace, on_progress)
