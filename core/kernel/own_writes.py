"""What a client has written: its reads that may be stale contain it."""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

Position = Mapping[str, int]
"""The last transaction that counts, of each database server that wrote one; with it count all before it."""
MAX_SERVERS = 4
"""Servers in the text of a position: one, and one more for each failover of late."""
SERVER = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
NUMBER = r"[1-9][0-9]{0,17}"
POSITION_PATTERN = re.compile(rf"{SERVER}:{NUMBER}(?:,{SERVER}:{NUMBER}){{0,{MAX_SERVERS - 1}}}")


def merged(*positions: Position) -> Position:
    """Return the position that contains all."""
    last = dict[str, int]()
    for position in positions:
        for server, number in position.items():
            last[server] = max(number, last.get(server, 0))
    return last


def text_of(position: Position) -> str:
    """Return a position as clients keep it."""
    return ",".join(f"{server}:{number}" for server, number in list(position.items())[-MAX_SERVERS:])


def position_of(text: str) -> Position | None:
    """Return the position that a text names; None if it has another form."""
    if not POSITION_PATTERN.fullmatch(text):
        return None
    pairs = (each.split(":") for each in text.split(","))
    return merged(*({server: int(number)} for server, number in pairs))


@dataclass(slots=True)
class View:
    """What one request may see, and has written."""

    after: Position | None
    """What its reads must contain; None: they must contain everything."""
    written: Position = field(default_factory=dict)

    def note(self, position: Position) -> None:
        """Add a commit of this request."""
        if position:
            self.written = merged(self.written, position)


EVERYTHING = View(after=None)
"""What reads see outside of requests that only show."""
current_view: ContextVar[View] = ContextVar("current_view", default=EVERYTHING)


def combined(*views: View) -> View:
    """Return what a read for several requests may see."""
    needed = [view.after for view in views]
    return View(after=None if None in needed else merged(*(each for each in needed if each is not None)))


@contextmanager
def viewing(view: View) -> Iterator[None]:
    """Set the current view within a block."""
    token = current_view.set(view)
    try:
        yield
    finally:
        current_view.reset(token)


def note_write(position: Position) -> None:
    """Add a commit to the request in which it happens."""
    if (view := current_view.get()) is not EVERYTHING:
        view.note(position)


class OwnWrites(Protocol):
    """What clients have written of late, known to every process."""

    @abstractmethod
    async def of(self, client: str) -> Position | None:
        """Return what a client has written; None while that is not known."""

    @abstractmethod
    async def remember(self, client: str, position: Position) -> None:
        """Add a commit of a client; does not fail."""
