"""Locks a file among processes, whatever name each of them uses for it."""

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.kernel.errors import Conflict

LOCKED_BYTE = 1 << 62
"""Far behind the bytes that SQLite locks."""
DESCRIPTORS: dict[tuple[int, int], int] = {}
"""Of the files that were locked, by device and inode."""


class FileInUse(Conflict):
    """Another process uses this file."""

    problem = "in-use"


@contextmanager
def exclusive_file_lock(path: str) -> Iterator[None]:
    """Hold the lock of a file, or raise `FileInUse`; the lock ends with the process."""
    real = os.path.realpath(path)
    with with_remedy(path):
        file, beside = opened(real), Path(f"{real}.lock").open("ab")  # noqa: SIM115 - closed below
    with beside as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            lock_byte(file, fcntl.F_WRLCK)
        except BlockingIOError:
            raise FileInUse(
                f"another `bursar serve` uses {path}; stop it, or set sqlite.path to another file"
            ) from None
        try:
            yield
        finally:
            lock_byte(file, fcntl.F_UNLCK)


@contextmanager
def blocking_file_lock(path: str) -> Iterator[None]:
    """Wait for the lock of a file, and hold it."""
    with with_remedy(path):
        beside = Path(f"{os.path.realpath(path)}.turn").open("ab")  # noqa: SIM115 - closed below
    with beside as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def with_remedy(path: str) -> Iterator[None]:
    """Add the setting to correct to an `OSError`."""
    try:
        yield
    except OSError as error:
        remedy = "sqlite.path names a file, in a folder that exists and that this user can write"
        raise OSError(error.errno, f"{error.strerror}; {remedy}", path) from error


def lock_byte(file: int, kind: int) -> None:
    """Lock or unlock a byte of a file, which hard links share; raise `BlockingIOError` if another process holds it."""
    if hasattr(fcntl, "F_OFD_SETLK"):  # only Linux: elsewhere such a lock would stop SQLite in the same process
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, LOCKED_BYTE, 1, 0))


def opened(path: str) -> int:
    """Return a descriptor of the file that stays open: closing it would end the locks SQLite holds in this process."""
    if not Path(path).exists():
        Path(path).touch()
    found = Path(path).stat()
    key = found.st_dev, found.st_ino
    if key not in DESCRIPTORS:
        DESCRIPTORS[key] = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    return DESCRIPTORS[key]
