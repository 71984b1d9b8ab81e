"""Replay or drop dead letters, and tell how it went."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

import typer
from rich.progress import Progress

from core.kernel.decisions import Decision
from core.kernel.errors import CoreError
from core.kernel.pace import Pace
from core.messaging.dead_letters import DeadLetterFilter, LetterAlreadySettled
from core.messaging.preview_dead_letters import DeadLetterPreview
from entrypoints.cli.command_runner import CommandRunner, escape_unprintable, stop_on_signals
from entrypoints.cli.operations.dead_letter_tables import dead_letters_table, groups_table
from entrypoints.cli.runtime import Runtime

EXIT_INTERRUPTED = 130
"""What shells make of Ctrl-C."""


class BulkSettlement:
    """One command that settles letters."""

    def __init__(self, runner: CommandRunner, use_case: str, done: str, *, json: bool) -> None:
        self._runner, self._use_case, self._done, self._json = runner, use_case, done, json
        self._counts: Counter[str] = Counter()
        self._pace = Pace()

    async def one(self, office: Runtime, letter: UUID, decision: Decision) -> None:
        """Settle one letter."""
        await office.use_cases[self._use_case]()(letter, decision)
        self._counts[self._done] += 1
        self._tell()

    async def survey(self, office: Runtime, which: DeadLetterFilter) -> None:
        """Tell what would be done, and change nothing."""
        found: DeadLetterPreview = await office.use_cases["preview_dead_letters"]()(which)
        if self._json:
            self._runner.print_json(found)
            return
        self._runner.out.print(groups_table(found.groups))
        if found.count:
            self._runner.out.print(dead_letters_table(found.first))
        self._runner.out.print(f"{found.count:,} dead letters would be {self._done}; nothing was changed: add --yes")

    async def all(self, office: Runtime, which: DeadLetterFilter, decision: Decision, rate: int | None) -> None:
        """Settle all of a kind; Ctrl-C ends it between two letters."""
        self._pace = Pace(rate, stop_on_signals())
        total = (await office.use_cases["preview_dead_letters"]()(which)).count
        settle, err = partial(settle_one, office.use_cases[self._use_case](), decision), self._runner.err
        try:
            with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
                bar = progress.add_task(self._done, total=total)

                def told(letter: UUID, refusal: CoreError | None) -> None:
                    progress.advance(bar)
                    self._note(letter, refusal)

                await office.use_cases["settle_dead_letters"]()(which, settle, self._pace, told)
        finally:  # also when the database went away in the middle
            self._tell()

    def end(self) -> None:
        """End the command with 1 if a letter failed, and as Ctrl-C does if we were stopped."""
        if self._pace.stop.is_set():
            raise typer.Exit(EXIT_INTERRUPTED)
        if self._counts["failed"]:
            raise typer.Exit(1)

    def _note(self, letter: UUID, refusal: CoreError | None) -> None:
        if refusal is None:
            self._counts[self._done] += 1
        elif isinstance(refusal, LetterAlreadySettled):
            self._counts["settled by others"] += 1
        else:
            self._counts["failed"] += 1
            self._runner.err.print(f"{letter}: {escape_unprintable(str(refusal))}", soft_wrap=True)

    def _tell(self) -> None:
        counts = {name: self._counts[name] for name in (self._done, "failed", "settled by others")}
        if self._json:
            self._runner.print_json({name.replace(" ", "_"): count for name, count in counts.items()})
        else:
            self._runner.out.print(", ".join(f"{count:,} {name}" for name, count in counts.items()))


async def settle_one(use_case: Any, decision: Decision, letter: UUID) -> None:
    """Settle one letter of many."""
    await use_case(letter, decision)
