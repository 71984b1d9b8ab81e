"""What people type: moments, ids, and who they are."""

import getpass
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.pace import MAX_STEPS_PER_SECOND
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period
from core.messaging.dead_letters import UnknownDeadLetter

Since = Annotated[str | None, typer.Option("--from", metavar="MOMENT", help="From then on: 2026-11-20T00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", metavar="MOMENT", help="Before then.")]
Why = Annotated[str, typer.Option(help="The reason, for whoever asks later.")]
Who = Annotated[str | None, typer.Option(help="Who decides.", show_default="you, as the system knows you")]
Rate = Annotated[
    int | None, typer.Option(min=1, max=MAX_STEPS_PER_SECOND, metavar="N", help="At most so many a second.")
]


def decision(who: str | None, why: str) -> Decision:
    """Return who decides, and why."""
    return Decision(who=decider(who), why=why)


def decider(who: str | None) -> str:
    """Return who decides; without a name, the operating system says who it is."""
    if who is None:
        with suppress(OSError, KeyError):
            who = getpass.getuser()
    return who or ""


def period(since: str | None, until: str | None) -> Period:
    """Return from when to when."""
    return Period(since=parse_moment(since, "$.from") or MIN_MOMENT, until=parse_moment(until, "$.to") or MAX_MOMENT)


def parse_moment(text: str | None, at: str) -> datetime | None:
    """Read a moment of ISO 8601; without an offset it is UTC."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no moment: write 2026-11-20T00:00Z", at=at) from error
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def dead_letter_id(text: str) -> UUID:
    """Read the id of a letter."""
    try:
        return UUID(text)
    except ValueError as error:
        raise UnknownDeadLetter(f"there is no dead letter {text[:80]!r}: its id is a UUID") from error
