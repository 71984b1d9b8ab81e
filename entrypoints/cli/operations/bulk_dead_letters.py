"""Replay or drop one dead letter, or all that the filters match, and print the counts."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import typer
from rich.progress import Progress

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError
from core.kernel.pace import Pace
from core.kernel.text import escape_unprintable
from core.messaging.dead_letters import DeadLetterFilter, LetterAlreadySettled
from core.messaging.settle_dead_letters import Settle, SettlementProgress
from core.messaging.use_cases import MessagingUseCases
from entrypoints.cli.command_runner import (
    EXIT_INTERRUPTED,
    CommandRunner,
    exit_code,
    stop_on_signals,
)
from entrypoints.cli.operations.dead_letter_options import SettlementOptions
from entrypoints.cli.operations.dead_letter_tables import print_preview
from entrypoints.cli.options import dead_letter_id, decision
from entrypoints.cli.runtime import Runtime

ChooseSettle = Callable[[MessagingUseCases], Settle]
"""Returns the use case that replays a dead letter, or the one that drops it."""


class Settlement:
    """One run of `replay` or `drop`; `done` is the word for a settled dead letter."""

    def __init__(self, runner: CommandRunner, choose: ChooseSettle, done: str, options: SettlementOptions) -> None:
        self._runner, self._choose, self._done, self._options = runner, choose, done, options
        self._progress, self._pace, self._exit_code = SettlementProgress(), Pace(options.rate), 0

    def run(self, config: Path | None) -> None:
        """Settle what the options name; end as Ctrl-C does after a stop, or with the exit code of the first failure."""
        self._options.check()
        self._runner.run_provisioned(config, self._work)
        if self._pace.stop.is_set():
            raise typer.Exit(EXIT_INTERRUPTED)
        if self._exit_code:
            raise typer.Exit(self._exit_code)

    async def _work(self, runtime: Runtime) -> None:
        messaging, options = runtime.use_cases.messaging, self._options
        decided = decision(options.who, options.why)
        if options.dead_letter is not None:
            await self._choose(messaging)(dead_letter_id(options.dead_letter), decided)
            self._progress = SettlementProgress(settled=1)
            self._print_counts()
        elif options.yes:
            await self._settle_all(messaging, options.filters.parse(), decided)
        else:
            await self._preview(messaging, options.filters.parse())

    async def _preview(self, messaging: MessagingUseCases, which: DeadLetterFilter) -> None:
        preview = await messaging.preview_dead_letters(which)
        if self._options.json:
            self._runner.print_json(preview)
        else:
            print_preview(self._runner, preview, self._done)

    async def _settle_all(self, messaging: MessagingUseCases, which: DeadLetterFilter, decided: Decision) -> None:
        """Settle what matches; Ctrl-C stops between two dead letters."""
        self._pace.stop, err = stop_on_signals(), self._runner.err
        preview = await messaging.preview_dead_letters(which)
        try:
            with Progress(console=err, transient=True, disable=not err.is_terminal) as bars:
                bar = bars.add_task(self._done, total=preview.count)

                def on_settled(progress: SettlementProgress, dead_letter: UUID, error: CoreError | None) -> None:
                    bars.advance(bar)
                    self._note(progress, dead_letter, error)

                await messaging.settle_dead_letters(preview, self._choose(messaging), decided, self._pace, on_settled)
        finally:  # `Unavailable` can end it in the middle
            self._print_counts()

    def _note(self, progress: SettlementProgress, dead_letter: UUID, error: CoreError | None) -> None:
        self._progress = progress
        if error is not None and not isinstance(error, LetterAlreadySettled):
            self._exit_code = self._exit_code or exit_code(error)
            self._runner.err.print(f"{dead_letter}: {escape_unprintable(str(error))}", soft_wrap=True)

    def _print_counts(self) -> None:
        progress = self._progress
        counts = {
            self._done: progress.settled,
            "failed": progress.failed,
            "settled by others": progress.settled_by_others,
        }
        if self._options.json:
            self._runner.print_json({name.replace(" ", "_"): count for name, count in counts.items()})
        else:
            self._runner.out.print(", ".join(f"{count:,} {name}" for name, count in counts.items()))
