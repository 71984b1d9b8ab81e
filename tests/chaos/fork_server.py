"""A process that has imported everything and forks one worker after another.

Python needs seconds to import the fee office; a fork of this process needs milliseconds.  It has no thread and no
loop, and has made no id and no connection, so a worker is as good as one that was started on its own.
"""

import gc
import os
import select
import signal
import sys
import traceback
from pathlib import Path

import msgspec

from tests.chaos.orders import Ended, Forked, Order, Signal

POLL_INTERVAL_SECONDS = 0.02
"""Seconds between looks for workers that ended."""


def main() -> None:
    """Fork, send signals and report until standard input ends; then kill whoever is left."""
    from tests.chaos import worker  # noqa: F401 - a fork has it already

    gc.freeze()
    names: dict[int, str] = {}
    tell(b"ready")
    unread = b""
    while True:
        if select.select([0], [], [], POLL_INTERVAL_SECONDS)[0]:
            if not (some := os.read(0, 65_536)):
                break
            *lines, unread = (unread + some).split(b"\n")
            for line in lines:
                execute(msgspec.json.decode(line, type=Order | Signal), names)
        reap(names)
    for pid in names:
        os.kill(pid, signal.SIGKILL)


def execute(command: Order | Signal, names: dict[int, str]) -> None:
    """Fork a worker, or send one a signal unless it has ended."""
    if isinstance(command, Order):
        pid = os.fork() or run_worker(command)
        names[pid] = command.name
        tell(msgspec.json.encode(Forked(command.name, pid)))
    elif command.pid in names:  # not reaped yet, so the number is still its own
        os.kill(command.pid, command.number)


def reap(names: dict[int, str]) -> None:
    """Say who has ended, and how."""
    while names:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        tell(msgspec.json.encode(Ended(names.pop(pid), pid, os.waitstatus_to_exitcode(status))))


def run_worker(order: Order) -> int:
    """Be a worker from here on; never return."""
    log = os.open(Path(order.folder) / f"{order.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for file, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(file, number)
    from tests.chaos import worker

    code = 1
    try:
        code = worker.work(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def tell(line: bytes) -> None:
    """Write one line to whoever started us."""
    os.write(1, line + b"\n")


if __name__ == "__main__":
    main()
