"""Files, read as streams."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

CHUNK_BYTES = 64 * 1024
"""Small enough that a progress bar moves evenly while a large file is imported."""


async def read_chunks(path: Path, on_read: Callable[[int], None] = lambda _: None) -> AsyncIterator[bytes]:
    """Return the bytes of a file in chunks; call `on_read` with the size of each."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            on_read(len(chunk))
            yield chunk
