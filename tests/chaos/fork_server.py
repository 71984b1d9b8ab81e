"""A process that has imported the application and forks each worker.

The imports of a worker take seconds, a fork takes milliseconds.  This process has no thread and no event loop, and
has created no id and no connection, so a fork does not differ from a new process.
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
"""The interval in seconds of checks for workers that ended."""


def main() -> None:
    """Fork workers, send signals and report until standard input ends; then kill the remaining workers."""
    from tests.chaos import worker  # noqa: F401 - imported for the forks

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
    elif command.pid in names:  # not reaped yet, so its process id is still valid
        os.kill(command.pid, command.number)


def reap(names: dict[int, str]) -> None:
    """Report each worker that has ended, with its exit code."""
    while names:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        tell(msgspec.json.encode(Ended(names.pop(pid), pid, os.waitstatus_to_exitcode(status))))


def run_worker(order: Order) -> int:
    """Run the worker in this process; never return."""
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
    """Write one line to the parent process."""
    os.write(1, line + b"\n")


if __name__ == "__main__":
    main()
