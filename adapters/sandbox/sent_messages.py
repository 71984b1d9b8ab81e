"""Looks up messages that the sandbox vendor accepted."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from typing import Generic, TypeVar

from core.notifications.messages import Email, Sms
from core.notifications.ports import SentMessages
from core.notifications.status_reports import DeliveryStatus, VendorReport

M = TypeVar("M", bound=Email | Sms)
BLOCK_BYTES = 1 << 20


class SandboxSentMessages(SentMessages[M], Generic[M]):
    """Searches the record from its end for the id of the delivery."""

    def __init__(self, record_path: str) -> None:
        self._record = Path(record_path)

    async def find(self, message: M, since: datetime, until: datetime) -> VendorReport | None:  # noqa: ARG002 - the id suffices
        return await asyncio.to_thread(self._find, str(message.delivery))

    def _find(self, delivery: str) -> VendorReport | None:
        for line in lines_backwards(self._record):
            if delivery.encode() in line and (accepted := json.loads(line))["delivery"] == delivery:
                return VendorReport("sandbox", accepted["id"], DeliveryStatus.FOUND)
        return None


def lines_backwards(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file, the last one first; reads blocks of `BLOCK_BYTES`."""
    if not path.exists():
        return
    with path.open("rb") as file:
        position, rest, whole = file.seek(0, SEEK_END), b"", False
        while position:
            size = min(BLOCK_BYTES, position)
            position -= size
            file.seek(position)
            rest, *lines = (file.read(size) + rest).split(b"\n")
            if lines and not whole:
                lines.pop()  # after the last line break: empty, or a line that is being written
                whole = True
            yield from reversed(lines)
        if whole:
            yield rest
