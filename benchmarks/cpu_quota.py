"""Limits a process to a part of a core, with a control group of Linux (version 1 of cgroups, as root)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

CONTROLLER = Path("/sys/fs/cgroup/cpu")
PERIOD_MICROSECONDS = 10_000
"""Short against a run of some seconds, long against a commit."""


def can_limit() -> bool:
    """Tell whether this machine has the controller, and this process may use it."""
    return os.access(CONTROLLER / "cgroup.procs", os.W_OK)


@contextmanager
def limited(pid: int, cores: float) -> Iterator[None]:
    """Give a process no more than a part of a core until the end of the block."""
    group = CONTROLLER / f"bursar-{uuid4().hex[:12]}"
    group.mkdir()
    try:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS), encoding="utf-8")
        (group / "cpu.cfs_quota_us").write_text(str(round(PERIOD_MICROSECONDS * cores)), encoding="utf-8")
        (group / "cgroup.procs").write_text(str(pid), encoding="utf-8")
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended
            (CONTROLLER / "cgroup.procs").write_text(str(pid), encoding="utf-8")
        group.rmdir()
