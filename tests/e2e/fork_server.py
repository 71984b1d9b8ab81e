"""`bursar` in processes of its own that need not import everything again: each is a fork of one that has."""

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
PRELOADED = (  # what a process imports when it comes to it
    "adapters.sql.group_commit",
    "adapters.sql.inbox",
    "adapters.sql.migrate",
    "aiokafka",
    "aiosqlite",
    "alembic.command",
    "asyncmy",
    "entrypoints.__main__",
    "entrypoints.messages.kafka",
    "entrypoints.http.app",
    "entrypoints.http.server",
    "sqlalchemy.dialects.mysql.asyncmy",
    "sqlalchemy.dialects.sqlite.aiosqlite",
)
one_at_a_time = Lock()


class Process:
    """A command that runs, to be asked and told what a `Popen` is."""

    def __init__(self, words: Sequence[str], folder: Path, env: Mapping[str, str], files: Mapping[str, str]) -> None:
        """Start `bursar` with words; `files` name where `in` comes from and `out` and `err` go."""
        self._words, self._place = words, tempfile.TemporaryDirectory()
        order = {"words": list(words), "folder": str(folder), "env": dict(env), "files": files}
        with one_at_a_time:
            fork_server().write(json.dumps(order | {"place": self._place.name}).encode() + b"\n")
        self.returncode: int | None = None
        self.pid = self._note("pid", time.monotonic() + EXIT_TIMEOUT_SECONDS)

    def poll(self) -> int | None:
        """Return how it ended, or None if it has not."""
        if self.returncode is None and (Path(self._place.name) / "code").exists():
            self.returncode = self._note("code", 0)
            self._place.cleanup()
        return self.returncode

    def wait(self, timeout: float = EXIT_TIMEOUT_SECONDS) -> int:
        """Return how it ended."""
        end = time.monotonic() + timeout
        while (code := self.poll()) is None:
            assert time.monotonic() < end, f"bursar {' '.join(self._words)} does not end"
            time.sleep(0.005)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def _note(self, name: str, end: float) -> int:
        file = Path(self._place.name) / name
        while not file.exists():
            assert time.monotonic() < end, f"nothing forks bursar {' '.join(self._words)}"
            time.sleep(0.002)
        return int(file.read_text())


def run(words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run `bursar` to its end; several at the same time if several ask."""
    with tempfile.TemporaryDirectory() as place:
        files = {name: str(Path(place) / name) for name in ("in", "out", "err")}
        Path(files["in"]).write_text(stdin)
        code = Process(words, folder, env, files).wait()
        out, err = (Path(files[name]).read_text() for name in ("out", "err"))
        return subprocess.CompletedProcess(["bursar", *words], code, out, err)


@cache
def fork_server() -> IO[bytes]:
    """Start what forks, and return what to tell it; it ends with us."""
    server = subprocess.Popen([sys.executable, "-m", "tests.e2e.fork_server"], stdin=subprocess.PIPE, bufsize=0)
    atexit.register(server.communicate)
    assert server.stdin is not None
    return server.stdin


def main() -> None:
    """Fork for every line that comes in, and write down how it ended."""
    for name in PRELOADED:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not os.fork():
            watch(json.loads(line))


def watch(order: dict[str, Any]) -> None:
    """Wait for the command's end; never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork() or run_command(order)
    note(Path(order["place"]) / "pid", pid)
    _, status = os.waitpid(pid, 0)
    note(Path(order["place"]) / "code", os.waitstatus_to_exitcode(status))
    os._exit(0)


def note(file: Path, number: int) -> None:
    """Write a number where somebody waits for it, whole."""
    file.with_suffix(".new").write_text(str(number))
    file.with_suffix(".new").rename(file)


def run_command(order: dict[str, Any]) -> int:
    """Be the command; never return."""
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
