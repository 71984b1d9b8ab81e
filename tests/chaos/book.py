"""What storekeepers were told."""

from pathlib import Path
from typing import Any

import msgspec

BOOK = "stores.jsonl"


class Told(msgspec.Struct):
    """One command, and what became of it."""

    kind: str
    body: dict[str, Any]
    id: str
    outcome: str
    """`done`, `refused`, `unsure` (refused at last, after questions without an answer) or `sent` by Kafka."""
    times: int = 1
    parts: dict[str, int] = {}
    """The pieces that were acknowledged, by batch."""
    why: str = ""


class Book:
    """What storekeepers were told, on disk before they do anything else."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / BOOK).open("ab")
        self.waiting = 0

    def note(self, told: Told) -> None:
        """Write an answer down."""
        self._file.write(msgspec.json.encode(told) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the book."""
        self._file.close()


def told(folder: Path) -> list[Told]:
    """Read the book."""
    return [msgspec.json.decode(line, type=Told) for line in (folder / BOOK).read_bytes().splitlines()]
