"""Locks a file among processes."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.kernel.errors import Conflict


class FileInUse(Conflict):
    """Another process uses this file."""

    problem = "in-use"


@contextmanager
def exclusive_file_lock(path: str) -> Iterator[None]:
    """Hold the lock of a file, or raise `FileInUse`; the lock ends with the process."""
    with Path(f"{path}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FileInUse(
                f"another `bursar serve` uses {path}; stop it, or set sqlite.path to another file"
            ) from None
        yield


@contextmanager
def blocking_file_lock(path: str) -> Iterator[None]:
    """Wait for the lock of a file, and hold it."""
    with Path(f"{path}.turn").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
