"""How dead letters look on a terminal, whatever is in them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from rich.table import Table

from core.shared.dead_letters import DeadLetter, LetterGroup
from core.shared.list_dead_letters import LettersPage
from core.shared.show_dead_letter import OpenedLetter
from entrypoints.cli.desk import Desk, printable

ENOUGH = 60
"""Characters of an explanation in a list."""


def show_letters(desk: Desk, page: LettersPage) -> None:
    """Show some letters, a line each."""
    desk.out.print(letters_table(page.items))
    if page.next:
        desk.err.print(f"there are more: --after {page.next}")


def letters_table(letters: Iterable[DeadLetter]) -> Table:
    """Return a table of letters."""
    table = Table("id", "buried (UTC)", "context", "type", "reason", "tries", "detail", box=None)
    table.columns[0].no_wrap = True
    for each in letters:
        detail = each.detail if len(each.detail) <= ENOUGH else each.detail[:ENOUGH] + "..."
        named = (each.context, each.type, each.reason, str(each.tries), detail)
        table.add_row(str(each.id), when(each.buried_at), *(printable(text) for text in named))
    return table


def groups_table(groups: Iterable[LetterGroup]) -> Table:
    """Return a table of how many letters are alike."""
    table = Table("letters", "context", "type", "reason", box=None)
    for group in groups:
        table.add_row(f"{group.count:,}", *(printable(text) for text in (group.context, group.type, group.reason)))
    return table


def show_letter(desk: Desk, letter: OpenedLetter) -> None:
    """Show everything about one letter."""
    told = {
        "id": letter.id,
        "context": letter.context,
        "type": letter.type,
        "subject": f"{letter.subject}, version {letter.version}",
        "arrived": when(letter.arrived_at),
        "request": letter.request_id,
        "traceparent": letter.traceparent,
        **letter.origin,
        "buried": f"{when(letter.buried_at)}, {letter.reason}: {letter.detail}",
        "tries": letter.tries,
        letter.state if letter.handled_at else "state": history(letter),
    }
    for name, value in told.items():
        desk.out.print(f"{printable(name) + ':':12} {printable(str(value))}", soft_wrap=True)
    body = laid_out(letter.body) if letter.format == "json" else letter.body
    desk.out.print(f"{'body:':12} {letter.format}, {len(letter.body):,} characters")
    for line in body.split("\n"):
        desk.out.print(printable(line), soft_wrap=True)


def laid_out(text: str) -> str:
    """Return JSON line by line; what only some take for JSON, such as half a character, as it is."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return text


def history(letter: DeadLetter) -> str:
    """Tell what was done about a letter the last time."""
    if letter.handled_at is None:
        return letter.state
    return f"{when(letter.handled_at)}, by {letter.handled_by}: {letter.why}"


def when(moment: datetime) -> str:
    """Write a moment of UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
