"""Dead letters as people read them on a terminal; control characters in them are escaped."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from rich.table import Table

from core.kernel.text import escape_unprintable
from core.messaging.dead_letters import DeadLetter, DeadLetterGroup
from core.messaging.list_dead_letters import DeadLetterPage
from core.messaging.preview_dead_letters import DeadLetterPreview
from core.messaging.show_dead_letter import DeadLetterWithMessage
from entrypoints.cli.command_runner import CommandRunner

MAX_DETAIL_CHARACTERS = 60
"""Characters of an error's detail in a list."""


def print_dead_letters(runner: CommandRunner, page: DeadLetterPage) -> None:
    """Print a page of dead letters, one per row."""
    runner.out.print(dead_letters_table(page.items))
    if page.next:
        runner.err.print(f"there are more: --after {page.next}")


def print_preview(runner: CommandRunner, preview: DeadLetterPreview, done: str) -> None:
    """Print what a bulk replay or drop would settle."""
    runner.out.print(groups_table(preview.groups))
    if preview.count:
        runner.out.print(dead_letters_table(preview.first))
    runner.out.print(f"{preview.count:,} dead letters would be {done}; nothing was changed: add --yes")


def print_dead_letter(runner: CommandRunner, dead_letter: DeadLetterWithMessage) -> None:
    """Print everything about one dead letter, the body last."""
    for name, value in properties(dead_letter).items():
        runner.out.print(f"{escape_unprintable(name) + ':':12} {escape_unprintable(str(value))}", soft_wrap=True)
    body = indented_json(dead_letter.body) if dead_letter.format == "json" else dead_letter.body
    runner.out.print(f"{'body:':12} {dead_letter.format}, {len(dead_letter.body):,} characters")
    for line in body.split("\n"):
        runner.out.print(escape_unprintable(line), soft_wrap=True)


def dead_letters_table(dead_letters: Iterable[DeadLetter]) -> Table:
    """Return a table of dead letters."""
    table = Table("id", "buried (UTC)", "context", "type", "reason", "tries", "detail", box=None)
    table.columns[0].no_wrap = True
    for each in dead_letters:
        long = len(each.detail) > MAX_DETAIL_CHARACTERS
        detail = each.detail[:MAX_DETAIL_CHARACTERS] + "..." if long else each.detail
        texts = (each.context, each.type, each.reason, str(each.tries), detail)
        table.add_row(str(each.id), format_moment(each.buried_at), *map(escape_unprintable, texts))
    return table


def groups_table(groups: Iterable[DeadLetterGroup]) -> Table:
    """Return a table of the number of dead letters in each group."""
    table = Table("letters", "context", "type", "reason", box=None)
    for group in groups:
        table.add_row(f"{group.count:,}", *map(escape_unprintable, (group.context, group.type, group.reason)))
    return table


def properties(dead_letter: DeadLetterWithMessage) -> Mapping[str, object]:
    """Return everything about a dead letter but its body, by the names people see."""
    return {
        "id": dead_letter.id,
        "context": dead_letter.context,
        "type": dead_letter.type,
        "subject": f"{dead_letter.subject}, version {dead_letter.version}",
        "arrived": format_moment(dead_letter.arrived_at),
        "request": dead_letter.request_id,
        "traceparent": dead_letter.traceparent,
        **dead_letter.origin,
        "buried": f"{format_moment(dead_letter.buried_at)}, {dead_letter.reason}: {dead_letter.detail}",
        "tries": dead_letter.tries,
        dead_letter.state if dead_letter.handled_at else "state": last_decision(dead_letter),
    }


def last_decision(dead_letter: DeadLetter) -> str:
    """Return the last decision about a dead letter, or its state before the first."""
    if dead_letter.handled_at is None:
        return dead_letter.state
    return f"{format_moment(dead_letter.handled_at)}, by {dead_letter.handled_by}: {dead_letter.why}"


def indented_json(text: str) -> str:
    """Return indented JSON; a text that not every parser takes for JSON, such as a lone surrogate, is unchanged."""
    try:
        return msgspec.json.format(text, indent=2)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return text


def format_moment(moment: datetime) -> str:
    """Return a moment to the second."""
    return f"{moment:%Y-%m-%d %H:%M:%S}"
