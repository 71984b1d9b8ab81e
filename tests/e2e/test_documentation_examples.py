"""The examples of the documentation run as they are written: one page in one folder, its blocks in their order."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.documentation import PAGES, ROOT_DIRECTORY, Example, examples, name_of

EXAMPLE_TIMEOUT_SECONDS = 180.0
BLACK_HOLE = "http://127.0.0.1:9"
"""A proxy that does not exist: an example that needs another machine fails."""
COMMANDS = {
    "bursar": f'exec "{sys.executable}" -P -m entrypoints "$@"',
    "uv": '[ "$1" = run ] && shift && exec "$@"',
}
"""Commands of examples that must not come from the machine: this tree's `bursar`, and `uv run` in this environment."""
PAGES_WITH_EXAMPLES = [page for page in PAGES if any(examples(page.read_text()))]


def environment(commands: Path) -> dict[str, str]:
    """Return an environment whose `bursar` is the one of this tree; write the commands into a folder."""
    commands.mkdir()
    for name, script in COMMANDS.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR")}
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), BLACK_HOLE)
    path = os.pathsep.join((str(commands), str(Path(sys.executable).parent), os.environ["PATH"]))
    ours = {
        "NO_PROXY": "127.0.0.1,localhost",
        "PATH": path,
        "PYTHONDONTWRITEBYTECODE": "",  # each command but the first finds its modules compiled
        "PYTHONPATH": str(ROOT_DIRECTORY),
    }
    return inherited | proxies | ours


def run(example: Example, folder: Path, env: Mapping[str, str]) -> None:
    """Run one example to its end; end what it leaves behind."""
    command = ["bash", "-euo", "pipefail"] if example.language == "sh" else [sys.executable]
    with (folder / "example.log").open("w+") as log:
        process = subprocess.Popen(
            [*command, "-c", example.text], cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait(EXAMPLE_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        log.seek(0)
        assert code == 0, f"line {example.line} ended with {code}:\n{example.text}\n{log.read()}"


@pytest.mark.parametrize("page", PAGES_WITH_EXAMPLES, ids=name_of)
def test_the_examples_of_a_page_work(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    env = environment(tmp_path / "commands")

    for example in examples(page.read_text()):
        run(example, folder, env)


@pytest.mark.parametrize(
    "block",
    [
        "```sh example\nbursar quote no-such-schedule CB-2020-1001\n```",
        "```sh example\nfalse | true\n```",
        "  ```python example\n  assert 1 + 1 == 3\n  ```",
    ],
)
def test_an_example_that_fails_is_found(block: str, tmp_path: Path) -> None:
    [example] = examples(f"# A page\n\n{block}\n")
    env = environment(tmp_path / "commands")

    with pytest.raises(AssertionError, match="line 3 ended with 1"):
        run(example, tmp_path, env)
