"""`bursar replay`: make the effects of events again."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import Progress

from core.kernel.pace import Pace
from core.kernel.period import Period
from core.messaging.event_log import EventReplay
from core.messaging.replay_events import ReplayProgress
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, escape_unprintable, stop_on_signals
from entrypoints.cli.operations.bulk_dead_letters import EXIT_INTERRUPTED
from entrypoints.cli.options import Rate, Who, Why, decision, parse_moment
from entrypoints.cli.runtime import Runtime

MAX_REPORTED_FAILURES = 20
SEND = "Let what is missing go out to people: those whose deliveries were lost hear it again."
UNTIL = "Before then. What is committed later, or not taken in yet, comes by the broker as always."


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar replay --consumer bursar --from 2026-11-20T00:00Z --why 'a table was lost'")
    def replay(
        since: Annotated[str, typer.Option("--from", metavar="MOMENT", help="From then on: 2026-11-20T00:00Z.")],
        consumer: Annotated[str, typer.Option(help="Whose effects: bursar.")],
        why: Why,
        until: Annotated[str | None, typer.Option("--to", metavar="MOMENT", help=UNTIL, show_default="now")] = None,
        type: Annotated[str | None, typer.Option(help="Only events of this type.")] = None,  # noqa: A002
        rate: Rate = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
        send: Annotated[bool, typer.Option("--send", help=SEND)] = False,
        who: Who = None,
        config: ConfigFile = None,
        json: AsJson = False,
    ) -> None:
        """Take logged events in again: what they caused stays as it is, what is missing is made, and not sent."""
        report, pace = ReplayReport(dry=dry_run), Pace(rate)

        async def work(office: Runtime) -> None:
            pace.stop = stop_on_signals()
            now = office.clock.now()
            chosen = Period(
                since=parse_moment(since, "$.from") or now, until=min(parse_moment(until, "$.to") or now, now)
            )
            which = EventReplay(consumer=consumer, period=chosen, type=type, send=send, dry=dry_run)
            take = office.use_cases["replay_events"](send)
            with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
                bar = progress.add_task("replaying", total=(chosen.until - chosen.since).total_seconds())

                def told(reached: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
                    progress.update(bar, completed=(reached.until - chosen.since).total_seconds())
                    report.note(reached, failures)

                await take(which, decision(who, why), pace, told)

        try:
            runner.run_provisioned(config, work)
        finally:  # also when the database went away in the middle
            report.tell(runner, json=json)
        if pace.stop.is_set():
            raise typer.Exit(EXIT_INTERRUPTED)
        if report.reached and report.reached.failed:
            raise typer.Exit(1)


class ReplayReport:
    """How far a replay came."""

    def __init__(self, *, dry: bool) -> None:
        self.reached: ReplayProgress | None = None
        self._dry = dry
        self._failures: dict[UUID, Exception] = {}

    def note(self, reached: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
        """Remember how far it is, and the first few failures."""
        self.reached = reached
        self._failures.update(list(failures.items())[: MAX_REPORTED_FAILURES - len(self._failures)])

    def tell(self, runner: CommandRunner, *, json: bool) -> None:
        """Say how far it came; nothing if it never began."""
        if self.reached is None:
            return
        for event, reason in self._failures.items():
            runner.err.print(f"{event}: {escape_unprintable(f'{type(reason).__name__}: {reason}')}", soft_wrap=True)
        counts = {name: getattr(self.reached, name) for name in ("taken", "left", "dead_letters", "failed")}
        if json:
            runner.print_json(counts)
            return
        done = "would be taken in" if self._dry else "taken in"
        left = f"{counts['left']:,} left to the broker, {counts['dead_letters']:,} are dead letters"
        runner.out.print(f"{counts['taken']:,} events {done}, {left}, {counts['failed']:,} failed", soft_wrap=True)
