"""Which tests of the workers of one run go on at the same time."""

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
from pathlib import Path


@contextmanager
def use_of_the_machine(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait until no other worker runs a test that is alone; alone, until no other worker runs any test."""
    with (folder / "turn").open("w") as turn, (folder / "machine").open("w") as machine:
        flock(turn, LOCK_EX)  # kept while a test waits to be alone, so that no later test overtakes it
        flock(machine, LOCK_EX if alone else LOCK_SH)
        flock(turn, LOCK_UN)
        try:
            yield
        finally:
            flock(machine, LOCK_UN)  # a process that a test forked has the same open file
