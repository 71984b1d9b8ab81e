"""Commands in processes of their own that need not import everything again: each is a fork of one that has."""

import atexit
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

PATIENCE = 60.0
one_at_a_time = Lock()


def run(words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run `bursar` to its end; several at the same time if several ask."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("in", "out", "err", "code")]
        files[0].write_text(stdin)
        order = {"words": list(words), "folder": str(folder), "env": dict(env), "files": [str(file) for file in files]}
        with one_at_a_time:
            fork_server().write(json.dumps(order).encode() + b"\n")
        end = time.monotonic() + PATIENCE
        while not files[3].exists():
            assert time.monotonic() < end, f"bursar {' '.join(words)} does not end"
            time.sleep(0.005)
        code = int(files[3].read_text())
        return subprocess.CompletedProcess(["bursar", *words], code, files[1].read_text(), files[2].read_text())


@cache
def fork_server() -> IO[bytes]:
    """Start what forks, and return what to tell it; it ends with us."""
    server = subprocess.Popen([sys.executable, "-m", "tests.e2e.forks"], stdin=subprocess.PIPE, bufsize=0)
    atexit.register(server.communicate)
    assert server.stdin is not None
    return server.stdin


def main() -> None:
    """Fork for every line that comes in, and write down how it ended."""
    import sqlalchemy.dialects.mysql.asyncmy  # noqa: F401 - a fork has it already

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if not os.fork():
            watch(json.loads(line))


def watch(order: dict[str, Any]) -> None:
    """Wait for the command's end; never return."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, status = os.waitpid(os.fork() or become(order), 0)
    code = Path(order["files"][3])
    code.with_suffix(".new").write_text(str(os.waitstatus_to_exitcode(status)))
    code.with_suffix(".new").rename(code)
    os._exit(0)


def become(order: dict[str, Any]) -> int:
    """Be the command; never return."""
    from entrypoints import __main__

    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        os.dup2(os.open(order["files"][0], os.O_RDONLY), 0)
        for number, file in enumerate(order["files"][1:3], 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
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
