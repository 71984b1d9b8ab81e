"""Files, read as streams."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

CHUNK_BYTES = 64 * 1024
"""Bytes: so few that a bar moves evenly while a large file is worked off."""


async def read_chunks(path: Path, read: Callable[[int], None] = lambda _: None) -> AsyncIterator[bytes]:
    """Return the bytes of a file as they are read; tell `read` how many at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            read(len(chunk))
            yield chunk
