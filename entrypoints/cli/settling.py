"""Replay or drop dead letters, and tell how it went."""

from collections import Counter
from functools import partial
from typing import Any
from uuid import UUID

import typer
from rich.progress import Progress

from core.shared.dead_letters import Criteria, LetterAlreadySettled
from core.shared.decisions import Decision
from core.shared.errors import CoreError
from core.shared.pace import Pace
from core.shared.survey_dead_letters import Survey
from entrypoints.cli.desk import Desk, listen_for_the_end, printable
from entrypoints.cli.letters import groups_table, letters_table
from entrypoints.cli.office import Office

INTERRUPTED = 130
"""What shells make of Ctrl-C."""


class Settling:
    """One command that settles letters."""

    def __init__(self, desk: Desk, use_case: str, done: str, *, json: bool) -> None:
        self._desk, self._use_case, self._done, self._json = desk, use_case, done, json
        self._came_to: Counter[str] = Counter()
        self._pace = Pace()

    async def one(self, office: Office, letter: UUID, decision: Decision) -> None:
        """Settle one letter."""
        await office.use_cases[self._use_case]()(letter, decision)
        self._came_to[self._done] += 1
        self._tell()

    async def survey(self, office: Office, which: Criteria) -> None:
        """Tell what would be done, and change nothing."""
        found: Survey = await office.use_cases["survey_dead_letters"]()(which)
        if self._json:
            self._desk.print_json(found)
            return
        self._desk.out.print(groups_table(found.groups))
        if found.count:
            self._desk.out.print(letters_table(found.first))
        self._desk.out.print(f"{found.count:,} dead letters would be {self._done}; nothing was changed: add --yes")

    async def all(self, office: Office, which: Criteria, decision: Decision, rate: int | None) -> None:
        """Settle all of a kind; Ctrl-C ends it between two letters."""
        self._pace = Pace(rate, listen_for_the_end())
        total = (await office.use_cases["survey_dead_letters"]()(which)).count
        settle, err = partial(settled, office.use_cases[self._use_case](), decision), self._desk.err
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
            raise typer.Exit(INTERRUPTED)
        if self._came_to["failed"]:
            raise typer.Exit(1)

    def _note(self, letter: UUID, refusal: CoreError | None) -> None:
        if refusal is None:
            self._came_to[self._done] += 1
        elif isinstance(refusal, LetterAlreadySettled):
            self._came_to["settled by others"] += 1
        else:
            self._came_to["failed"] += 1
            self._desk.err.print(f"{letter}: {printable(str(refusal))}", soft_wrap=True)

    def _tell(self) -> None:
        counts = {name: self._came_to[name] for name in (self._done, "failed", "settled by others")}
        if self._json:
            self._desk.print_json({name.replace(" ", "_"): count for name, count in counts.items()})
        else:
            self._desk.out.print(", ".join(f"{count:,} {name}" for name, count in counts.items()))


async def settled(use_case: Any, decision: Decision, letter: UUID) -> None:
    """Settle one letter of many."""
    await use_case(letter, decision)
