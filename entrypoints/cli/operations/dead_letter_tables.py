"""How dead letters look on a terminal, whatever is in them."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from rich.table import Table

from core.messaging.dead_letters import DeadLetter, DeadLetterGroup
from core.messaging.list_dead_letters import DeadLetterPage
from core.messaging.show_dead_letter import DeadLetterWithMessage
from entrypoints.cli.command_runner import CommandRunner, escape_unprintable

MAX_DETAIL_CHARACTERS = 60
"""Characters of an explanation in a list."""


def print_dead_letters(runner: CommandRunner, page: DeadLetterPage) -> None:
    """Show some letters, a line each."""
    runner.out.print(dead_letters_table(page.items))
    if page.next:
        runner.err.print(f"there are more: --after {page.next}")


def dead_letters_table(letters: Iterable[DeadLetter]) -> Table:
    """Return a table of letters."""
    table = Table("id", "buried (UTC)", "context", "type", "reason", "tries", "detail", box=None)
    table.columns[0].no_wrap = True
    for each in letters:
        detail = (
            each.detail if len(each.detail) <= MAX_DETAIL_CHARACTERS else each.detail[:MAX_DETAIL_CHARACTERS] + "..."
        )
        named = (each.context, each.type, each.reason, str(each.tries), detail)
        table.add_row(str(each.id), when(each.buried_at), *(escape_unprintable(text) for text in named))
    return table


def groups_table(groups: Iterable[DeadLetterGroup]) -> Table:
    """Return a table of how many letters are alike."""
    table = Table("letters", "context", "type", "reason", box=None)
    for group in groups:
        table.add_row(
            f"{group.count:,}", *(escape_unprintable(text) for text in (group.context, group.type, group.reason))
        )
    return table


def print_dead_letter(runner: CommandRunner, letter: DeadLetterWithMessage) -> None:
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
        runner.out.print(f"{escape_unprintable(name) + ':':12} {escape_unprintable(str(value))}", soft_wrap=True)
    body = indented_json(letter.body) if letter.format == "json" else letter.body
    runner.out.print(f"{'body:':12} {letter.format}, {len(letter.body):,} characters")
    for line in body.split("\n"):
        runner.out.print(escape_unprintable(line), soft_wrap=True)


def indented_json(text: str) -> str:
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
