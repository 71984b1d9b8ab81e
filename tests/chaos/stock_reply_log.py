"""What storekeepers were told."""

from pathlib import Path
from typing import Any

import msgspec

STOCK_REPLY_LOG_FILE = "stores.jsonl"


class StockReply(msgspec.Struct):
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


class StockReplyLog:
    """What storekeepers were told, on disk before they do anything else."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / STOCK_REPLY_LOG_FILE).open("ab")
        self.waiting = 0

    def note(self, told: StockReply) -> None:
        """Write an answer down."""
        self._file.write(msgspec.json.encode(told) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the book."""
        self._file.close()


def told(folder: Path) -> list[StockReply]:
    """Read the book."""
    return [
        msgspec.json.decode(line, type=StockReply) for line in (folder / STOCK_REPLY_LOG_FILE).read_bytes().splitlines()
    ]
