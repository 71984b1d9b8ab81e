"""Commands in processes of their own that need not import everything again: each is a fork of one that has."""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any


def run(words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
    """Run `bursar` to its end."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("in", "out", "err")]
        files[0].write_text(stdin)
        server = fork_server()
        assert server.stdin is not None and server.stdout is not None
        order = {"words": list(words), "folder": str(folder), "env": dict(env), "files": [str(file) for file in files]}
        server.stdin.write(json.dumps(order).encode() + b"\n")
        code = int(server.stdout.readline())
        return subprocess.CompletedProcess(["bursar", *words], code, files[1].read_text(), files[2].read_text())


@cache
def fork_server() -> subprocess.Popen[bytes]:
    """Start what forks; it ends with us."""
    command = [sys.executable, "-m", "tests.e2e.forks"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def main() -> None:
    """Fork for every line that comes in, and answer how it ended."""
    import sqlalchemy.dialects.mysql.asyncmy  # noqa: F401 - a fork has it already

    for line in sys.stdin:
        child = os.fork() or become(json.loads(line))
        _, status = os.waitpid(child, 0)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))


def become(order: dict[str, Any]) -> int:
    """Be the command; never return."""
    from entrypoints import __main__

    code = 1
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["folder"])
        os.dup2(os.open(order["files"][0], os.O_RDONLY), 0)
        for number, file in enumerate(order["files"][1:], 1):
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
