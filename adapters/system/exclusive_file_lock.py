"""A file that one process uses at a time."""

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
    """Keep every other process that asks away from a file; the lock dies with us, however we die."""
    with Path(f"{path}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise FileInUse(
                f"another `bursar serve` uses {path}; stop it, or set sqlite.path to another file"
            ) from None
        yield


@contextmanager
def turn(path: str) -> Iterator[None]:
    """Wait until no other process has its turn with a file, and take ours."""
    with Path(f"{path}.turn").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
