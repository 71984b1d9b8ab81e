"""`bursar` in separate processes without repeated imports: each is a fork of a process that has imported it."""

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import IO, Any

EXIT_TIMEOUT_SECONDS = 60.0
PRELOADED = (  # modules that a process imports lazily
    "adapters.sql.engine.group_commit",
    "adapters.sql.messaging.inbox",
    "adapters.sql.engine.migrate",
    "aiokafka",
    "aiormq",
    "aiosqlite",
    "alembic.command",
    "asyncmy",
    "entrypoints.__main__",
    "entrypoints.messages.kafka",
    "entrypoints.messages.rabbitmq",
    "entrypoints.http.app",
    "entrypoints.http.server",
    "entrypoints.runtime.configured_runtime",
    "sqlalchemy.dialects.mysql.asyncmy",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)
one_at_a_time = Lock()


class Process:
    """A running command, with the interface of a `Popen`."""

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Start `bursar` with arguments; `files` are the paths of `in`, `out` and `err`."""
        self._words, self._status_folder = words, tempfile.TemporaryDirectory()
        order = {"words": list(words), "folder": str(folder), "env": dict(env), "files": files}
        with one_at_a_time:
            fork_server().write(json.dumps(order | {"status_folder": self._status_folder.name}).encode() + b"\n")
        self.returncode: int | None = None
        self.pid = self._note("pid", time.monotonic() + EXIT_TIMEOUT_SECONDS)

    def poll(self) -> int | None:
        """Return the exit code; None while the command runs."""
        if self.returncode is None and (Path(self._status_folder.name) / "code").exists():
            self.returncode = self._note("code", 0)
            self._status_folder.cleanup()
        return self.returncode

    def wait(self, timeout: float = EXIT_TIMEOUT_SECONDS) -> int:
        """Wait for the exit code."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < end, f"bursar {' '.join(self._words)} does not end"
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Send the command a signal."""
        os.kill(self.pid, number)

    def _note(self, name: str, end: float) -> int:
        file = Path(self._status_folder.name) / name
        while not file.exists():
            assert time.monotonic() < end, f"nothing forks bursar {' '.join(self._words)}"
            time.sleep(0.002)
        return int(file.read_text())


def run(words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run `bursar` to its end; calls are concurrent if their callers are."""
    with tempfile.TemporaryDirectory() as scratch:
        files = {name: str(Path(scratch) / name) for name in ("in", "out", "err")}
        Path(files["in"]).write_text(stdin)
        code = Process(words, folder, env, files).wait()
        out, err = (Path(files[name]).read_text() for name in ("out", "err"))
        return subprocess.CompletedProcess(["bursar", *words], code, out, err)


@cache
def fork_server() -> IO[bytes]:
    """Start the fork server, and return a writer of its orders; it ends with this process."""
    server = subprocess.Popen([sys.executable, "-m", "tests.e2e.fork_server"], stdin=subprocess.PIPE, bufsize=0)
    atexit.register(server.communicate)
    assert server.stdin is not None
    return server.stdin


def main() -> None:
    """Fork for each received line, and report the exit code."""
    for name in PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not os.fork():
            watch(json.loads(line))


def watch(order: dict[str, Any]) -> None:
    """Wait for the end of the command; never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork() or run_command(order)
    note(Path(order["status_folder"]) / "pid", pid)
    _, status = os.waitpid(pid, 0)
    note(Path(order["status_folder"]) / "code", os.waitstatus_to_exitcode(status))
    os._exit(0)


def note(file: Path, number: int) -> None:
    """Write a number at once, so that its reader never sees a part of it."""
    file.with_suffix(".new").write_text(str(number))
    file.with_suffix(".new").rename(file)


def run_command(order: dict[str, Any]) -> int:
    """Run the command in this process; never return."""
    from entrypoints import __main__

    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        for number, name in enumerate(("in", "out", "err")):
            how = os.O_WRONLY | os.O_CREAT | os.O_APPEND if number else os.O_RDONLY
            os.dup2(os.open(order["files"].get(name, os.devnull), how), number)
        sys.argv = ["bursar", *order["words"]]
        __main__.main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
