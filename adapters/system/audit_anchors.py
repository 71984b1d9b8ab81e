"""Heads of the audit chain in a file, one JSON object a line."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from core.audit.ports import AuditAnchors
from core.audit.signed_head import SignedHead
from core.kernel.errors import Invalid, Unavailable


class FileAuditAnchors(AuditAnchors):
    """Appends to a file that only its owner can read, and flushes it to the disk."""

    def __init__(self, path: str) -> None:
        self._path = path

    async def publish(self, head: SignedHead) -> None:
        try:
            await asyncio.to_thread(append_durably, self._path, msgspec.json.encode(head) + b"\n")
        except OSError as error:
            raise Unavailable(
                f"{error.strerror}: audit.path ({self._path}) is a file in a folder that exists"
            ) from error

    async def heads(self) -> AsyncIterator[SignedHead]:
        try:
            content = await asyncio.to_thread(Path(self._path).read_bytes)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Unavailable(f"{error.strerror}: audit.path ({self._path})") from error
        for number, line in enumerate(content.splitlines(), 1):
            yield read_head(line, f"line {number} of {self._path}")


def append_durably(path: str, line: bytes) -> None:
    """Append a line in one write, so that several processes can, and return when the disk has it."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line)
        os.fsync(file)
    finally:
        os.close(file)


def read_head(text: bytes, where: str) -> SignedHead:
    """Return a head; raise `Invalid` for what is none."""
    try:
        return msgspec.json.decode(text, type=SignedHead)
    except msgspec.MsgspecError as error:
        raise Invalid(f"{where} is no head of the audit chain: {error}") from error
