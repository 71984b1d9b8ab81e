"""Sets of global transaction ids of MySQL: which transactions a server has."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from core.kernel.own_writes import Position

OWN = re.compile(rb"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):(\d+)")
"""The id of a commit among the changes of the session that the server tells with its acknowledgement."""


@dataclass(frozen=True, slots=True)
class Gtids:
    """Ranges of transactions, both ends included, by the server that wrote them; a tag belongs to the server."""

    ranges: Mapping[str, tuple[tuple[int, int], ...]]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form of `@@gtid_executed`: `server:1-5:7:tag:1-3,server:9`."""
        ranges = dict[str, tuple[tuple[int, int], ...]]()
        for part in text.replace("\n", "").replace(" ", "").split(","):
            server, *rest = part.split(":")
            writer = server
            for each in rest:
                if each[0].isdigit():
                    first, _, last = each.partition("-")
                    ranges[writer] = (*ranges.get(writer, ()), (int(first), int(last or first)))
                else:
                    writer = f"{server}:{each}"
        return cls(ranges)

    def within(self, other: Self) -> bool:
        """Return whether the other server has all of these."""
        return all(
            any(start <= first and last <= end for start, end in other.ranges.get(writer, ()))
            for writer, its in self.ranges.items()
            for first, last in its
        )

    def contains(self, position: Position) -> bool:
        """Return whether these are all transactions up to a position."""
        wanted = {server: ((1, number),) for server, number in position.items()}
        return type(self)(wanted).within(self)

    @property
    def position(self) -> Position:
        """Return the last transaction of each server."""
        return {writer: its[-1][1] for writer, its in self.ranges.items() if ":" not in writer}


def own_commit(acknowledgement: bytes) -> Position:
    """Return the position of a commit; empty if it wrote nothing, or the server tells none."""
    found = OWN.search(acknowledgement)
    return {found[1].decode(): int(found[2])} if found else {}


def set_of(position: Position) -> str:
    """Return a position in MySQL's form."""
    return ",".join(f"{server}:1-{number}" for server, number in position.items())
