"""The log of replies to stock clients."""

from pathlib import Path
from typing import Any

import msgspec

STOCK_REPLY_LOG_FILE = "stores.jsonl"


class StockReply(msgspec.Struct):
    """One command and its outcome."""

    kind: str
    body: dict[str, Any]
    id: str
    outcome: str
    """`done`, `refused`, `unsure` (refused after attempts without a response) or `sent` through the broker."""
    times: int = 1
    parts: dict[str, int] = {}
    """The acknowledged pieces by batch."""
    why: str = ""


class StockReplyLog:
    """Stores each reply on disk before its client continues."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / STOCK_REPLY_LOG_FILE).open("ab")
        self.waiting = 0

    def note(self, told: StockReply) -> None:
        """Append a reply."""
        self._file.write(msgspec.json.encode(told) + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the log."""
        self._file.close()


def told(folder: Path) -> list[StockReply]:
    """Read the log."""
    return [
        msgspec.json.decode(line, type=StockReply) for line in (folder / STOCK_REPLY_LOG_FILE).read_bytes().splitlines()
    ]
