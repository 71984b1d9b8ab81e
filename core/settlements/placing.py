"""The identity of lines: the file's own id, or else all fields and a number of occurrence."""

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from core.settlements.file_lines import FileLine
from core.settlements.ports import SettlementLines
from core.settlements.settlement_line import PlacedLine


async def place(stored: SettlementLines, gateway: str, lines: Sequence[FileLine], by: UUID) -> list[PlacedLine]:
    """Return the lines that no import has stored.

    An equal line without an own id takes the next number that this import has not seen yet: two honest twins of a file
    are two lines, and in the next file they are the same two.
    """
    placed, taken = dict[UUID, FileLine](), set[UUID]()
    seen, pending, occurrence = list[UUID](), list(lines), 1
    while pending:
        ids = [line_id(gateway, each, occurrence) for each in pending]
        known, again = await stored.known(set(ids)), list[FileLine]()
        for key, line in zip(ids, pending, strict=True):
            if key in taken or (not line.id and known.get(key) == by):
                again += [] if line.id else [line]
                continue
            taken.add(key)
            if key not in known:
                placed[key] = line
            elif not line.id:
                seen.append(key)
        pending, occurrence = again, occurrence + 1
    if seen:
        await stored.see(seen, by)
    return [PlacedLine(key, line) for key, line in placed.items()]


def line_id(gateway: str, line: FileLine, occurrence: int) -> UUID:
    """Return the identity of a line; a hash, because `uuid5` takes twice as long."""
    told = (line.id,) if line.id else (*line[:-1], line.at.timestamp(), occurrence)
    return UUID(bytes=blake2b("\x1f".join([gateway, *map(str, told)]).encode(), digest_size=16).digest())
