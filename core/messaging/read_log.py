"""Reads records from events of the log, and refuses a log that cannot be read as a whole."""

from collections.abc import Iterator, Sequence

from core.kernel.errors import CoreError
from core.messaging.log_records import Fold, Records, UnreadableLog
from core.messaging.message import Message
from core.messaging.projections import EventHistory, UnknownProjection
from core.messaging.routing import Routes

EVENTS_PER_PAGE = 1_024
"""A power of two: rows are inserted in parts whose sizes are powers of two."""


def fold_named(routes: Routes, name: str) -> Fold:
    """Return the fold of a projection; raise `UnknownProjection` with the known names."""
    if (fold := routes.folds.get(name)) is None:
        known = ", ".join(sorted(routes.folds))
        raise UnknownProjection(f"there is no projection {name[:80]!r}; there are {known}")
    return fold


async def refuse_gaps(history: EventHistory, fold: Fold) -> None:
    """Raise `UnreadableLog` if an aggregate lacks one of its events."""
    if fold.numbered and (gap := await history.gap(fold.numbered)):
        raise UnreadableLog(f"the log of {' and '.join(fold.numbered)} lacks an event: {gap}; nothing was changed")


def records_of(page: Sequence[Message], fold: Fold, routes: Routes) -> Iterator[tuple[Message, Records]]:
    """Yield each event with its records; raise `UnreadableLog` for one of an unknown type or form."""
    refuse_unknown_types(page, routes)
    for message in page:
        if read := fold.kinds.get((message.context, message.type)):
            try:
                yield message, read(message)
            except (CoreError, ValueError) as error:  # those of decoding are `ValueError`s
                raise unreadable(message, str(error)) from error


def refuse_unknown_types(page: Sequence[Message], routes: Routes) -> None:
    """Raise `UnreadableLog` for the first event of a type without a route."""
    for message in page:
        if (message.context, message.type) not in routes.table:
            raise unreadable(message, "this program knows no such type: upgrade it")


def unreadable(message: Message, why: str) -> UnreadableLog:
    """Return the error that names an event."""
    which = f"the {message.type[:80]!r} {message.id} of {message.context} at {message.at.isoformat()}"
    return UnreadableLog(f"{which} cannot be read: {why}; nothing more was changed")
