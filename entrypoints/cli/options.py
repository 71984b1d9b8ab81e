"""Options and arguments that several commands share, and how they are parsed."""

import os
import pwd
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

import typer

from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.pace import MAX_STEPS_PER_SECOND
from core.kernel.period import MAX_MOMENT, MIN_MOMENT, Period

Since = Annotated[str | None, typer.Option("--from", metavar="MOMENT", help="From then on: 2026-11-20T00:00Z.")]
Until = Annotated[str | None, typer.Option("--to", metavar="MOMENT", help="Before then.")]
Why = Annotated[str, typer.Option(help="The reason; it is stored with the decision.")]
Who = Annotated[str | None, typer.Option(help="Who decides.", show_default="you, as the system knows you")]
Rate = Annotated[
    int | None, typer.Option(min=1, max=MAX_STEPS_PER_SECOND, metavar="N", help="At most so many a second.")
]
Order = Annotated[str, typer.Argument(help="Id of the order; for the kit of an exam fee, its reference.")]
Sku = Annotated[str, typer.Argument(metavar="SKU", help="What goods: SU-EXAM-KIT.")]


def decision(who: str | None, why: str) -> Decision:
    """Return a decision of `who`, or of the user of the operating system."""
    return Decision(who=decider(who), why=why)


def decider(who: str | None) -> str:
    """Return `who`, or the user of the operating system as whom the process runs, whatever its environment says."""
    if who is not None:
        return who
    with suppress(KeyError):  # a container may run as a number without a name
        return pwd.getpwuid(os.geteuid()).pw_name
    return str(os.geteuid())


def period(since: str | None, until: str | None) -> Period:
    """Return the period of `--from` and `--to`; without one of them it is open on that side."""
    return Period(since=parse_moment(since, "$.from") or MIN_MOMENT, until=parse_moment(until, "$.to") or MAX_MOMENT)


def parse_moment(text: str | None, at: str) -> datetime | None:
    """Parse a moment in ISO 8601, which is UTC without an offset; raise `Invalid` at the path `at`."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no moment: write 2026-11-20T00:00Z", at=at) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_day(text: str | None, at: str) -> date | None:
    """Parse a calendar day in ISO 8601; raise `Invalid` at the path `at`."""
    return None if text is None else required_day(text, at)


def required_day(text: str, at: str) -> date:
    """Parse a calendar day in ISO 8601; raise `Invalid` at the path `at`."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(f"{text[:40]!r} is no day: write 2027-01-15", at=at) from error


def dead_letter_id(text: str) -> UUID:
    """Parse the id of a dead letter; raise `UnknownDeadLetter`."""
    from core.messaging.dead_letters import UnknownDeadLetter

    try:
        return UUID(text)
    except ValueError as error:
        raise UnknownDeadLetter(f"there is no dead letter {text[:80]!r}: its id is a UUID") from error
