"""`bursar replay`: make the effects of events again."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

import typer
from rich.progress import Progress

from core.shared.event_log import EventReplay
from core.shared.pace import Pace
from core.shared.period import Period
from core.shared.replay_events import ReplayProgress
from entrypoints.cli.desk import AsJson, ConfigFile, Desk, listen_for_the_end, printable
from entrypoints.cli.given import Rate, Who, Why, decision, moment
from entrypoints.cli.office import Office
from entrypoints.cli.settling import INTERRUPTED

MOST_TOLD = 20
SEND = "Let what is missing go out to people: those whose deliveries were lost hear it again."
UNTIL = "Before then. What is committed later, or not taken in yet, comes by the broker as always."


def add_to(cli: typer.Typer, desk: Desk) -> None:
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
        report, pace = Report(dry=dry_run), Pace(rate)

        async def work(office: Office) -> None:
            pace.stop = listen_for_the_end()
            now = office.clock.now()
            chosen = Period(since=moment(since, "$.from") or now, until=min(moment(until, "$.to") or now, now))
            which = EventReplay(consumer=consumer, period=chosen, type=type, send=send, dry=dry_run)
            take = office.use_cases["replay_events"](send)
            with Progress(console=desk.err, transient=True, disable=not desk.err.is_terminal) as progress:
                bar = progress.add_task("replaying", total=(chosen.until - chosen.since).total_seconds())

                def told(reached: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
                    progress.update(bar, completed=(reached.until - chosen.since).total_seconds())
                    report.note(reached, failures)

                await take(which, decision(who, why), pace, told)

        try:
            desk.work_in(config, work)
        finally:  # also when the database went away in the middle
            report.tell(desk, json=json)
        if pace.stop.is_set():
            raise typer.Exit(INTERRUPTED)
        if report.reached and report.reached.failed:
            raise typer.Exit(1)


class Report:
    """How far a replay came."""

    def __init__(self, *, dry: bool) -> None:
        self.reached: ReplayProgress | None = None
        self._dry = dry
        self._failures: dict[UUID, Exception] = {}

    def note(self, reached: ReplayProgress, failures: Mapping[UUID, Exception]) -> None:
        """Remember how far it is, and the first few failures."""
        self.reached = reached
        self._failures.update(list(failures.items())[: MOST_TOLD - len(self._failures)])

    def tell(self, desk: Desk, *, json: bool) -> None:
        """Say how far it came; nothing if it never began."""
        if self.reached is None:
            return
        for event, reason in self._failures.items():
            desk.err.print(f"{event}: {printable(f'{type(reason).__name__}: {reason}')}", soft_wrap=True)
        counts = {name: getattr(self.reached, name) for name in ("taken", "left", "dead_letters", "failed")}
        if json:
            desk.print_json(counts)
            return
        done = "would be taken in" if self._dry else "taken in"
        left = f"{counts['left']:,} left to the broker, {counts['dead_letters']:,} are dead letters"
        desk.out.print(f"{counts['taken']:,} events {done}, {left}, {counts['failed']:,} failed", soft_wrap=True)
