"""Heads of the audit chain in a file, one JSON object a line."""

import asyncio
import fcntl
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
            await asyncio.to_thread(append_durably, self._path, msgspec.json.encode(head))
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
        for number, line in enumerate(content.split(b"\n"), 1):
            if not is_cut(line):
                yield read_head(line, f"line {number} of {self._path}")


def append_durably(path: str, line: bytes) -> None:
    """Append a line, and return when the disk has it; several processes take turns.

    The file is never shortened, so that it can be append-only: a line that a full disk cut is ended, and stays.
    """
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file).st_size
        is_ended = not size or os.pread(file, 1, size - 1) == b"\n"
        left = (b"" if is_ended else b"\n") + line + b"\n"
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    finally:
        os.close(file)


def is_cut(line: bytes) -> bool:
    """Tell whether a line is the beginning of a JSON text, or what a power failure leaves of one."""
    text = line.strip(b"\0")
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        return not text or "truncated" in str(error)
    return False


def read_head(text: bytes, where: str) -> SignedHead:
    """Return a head; raise `Invalid` for what is none."""
    try:
        return msgspec.json.decode(text, type=SignedHead)
    except msgspec.MsgspecError as error:
        raise Invalid(f"{where} is no head of the audit chain: {error}") from error
