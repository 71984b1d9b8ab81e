"""The command line, with its output for people and for scripts."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from entrypoints.__main__ import open_runtime
from entrypoints.contexts import create_bursar
from tests.e2e.workspace import BURSAR, Running, Workspace, until

LOCAL = {"BURSAR__HTTP__PORT": "0"}
MARKUP = "[red]x[/red] :smile: [bold]"
"""Text that rich would render as colours and emoji."""
SCHEDULE = """
code = "{code}"
title = "{title}"
currency = "INR"
zone = "Asia/Kolkata"
country = "IN"
categories = ["student"]
"""
RULE = """
[[rules]]
kind = "flat"
head = "registration"
title = "{title}"
amount = 25000
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the workspace that most tests share."""
    return Workspace(tmp_path_factory.mktemp("office"), None, LOCAL)


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Running]:
    """Serve during all tests, so that the workspace is provisioned once."""
    with workspace.serve() as running:
        until(lambda: suggested_command(running))
        yield running


def suggested_command(server: Running) -> str:
    """Return the command that `serve` suggests, as printed."""
    found = re.search(r"^curl (?:.*\\\n)*.*[^\\]\n", server.log.read_text(), re.MULTILINE)
    return found[0] if found else ""


def send_as_curl(command: str) -> httpx.Response:
    """Send the request of a `curl` command."""
    words = shlex.split(command.replace("\\\n", " "))
    [url] = [word for word in words if word.startswith("http")]
    after = {flag: [words[at + 1] for at, word in enumerate(words) if word == flag] for flag in ("-H", "-d")}
    headers = dict(header.split(": ", 1) for header in after["-H"])
    return httpx.post(url, headers=headers, content=after["-d"][0])


def run_concurrently(workspace: Workspace, *lines: tuple[str, ...]) -> list[subprocess.CompletedProcess[str]]:
    """Run commands concurrently, because each takes seconds to start."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda words: workspace.run(*words), lines))


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return the path of every command, and the command; a former word of a group is hidden."""
    group = group or typer.main.get_command(create_bursar(open_runtime))
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


def test_the_command_that_serve_suggests_works(server: Running) -> None:
    by_hand = send_as_curl(suggested_command(server))
    assert by_hand.status_code == 201, by_hand.text
    assert re.fullmatch(r"BF(-[0-9A-Z]{4}){3}-[0-9A-Z]", by_hand.json()["reference"])

    if shutil.which("curl") and shutil.which("bash"):
        command = suggested_command(server).rstrip() + r" -w '\n%{http_code}'"
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20, check=True)
        assert done.stdout.split("\n") == [by_hand.text, "201"]


def test_a_quote_in_a_pipe_is_plain_and_complete(workspace: Workspace, server: Running) -> None:
    [example] = [command.epilog for path, command in commands() if path == ("quote",)]
    words = shlex.split(example.removeprefix("Example: bursar "))
    papers = [word for before, word in pairwise(words) if before == "--paper"]
    with server.client() as client:
        command = {"schedule": words[1], "registration": words[2], "papers": papers}
        quote = client.post("/v1/quotes", json=command).json()
    done, machine = run_concurrently(workspace, tuple(words), (*words, "--json"))

    assert (done.returncode, done.stderr) == (0, "")
    assert_plain(done.stdout)
    table = [line.split() for line in done.stdout.splitlines()]
    assert len(quote["lines"]) > 1
    for line in quote["lines"]:
        assert [line["head"], *line["why"].split(), rupees(line["amount"])] in table
    assert table[-1] == ["total", rupees(quote["total"])]
    assert machine.returncode == 0
    assert machine.stdout.count("\n") == 1
    assert machine.stdout.endswith("\n")
    assert json.loads(machine.stdout) == quote


def assert_plain(text: str) -> None:
    """Check that nothing is coloured, framed or truncated."""
    assert "\x1b" not in text
    assert not re.search(r"[\u2500-\u257f…]", text), text


def rupees(money: dict[str, Any]) -> str:
    """Return an amount in rupees."""
    return f"{money['minor'] / 100:,.2f}"


def test_names_are_printed_verbatim(workspace: Workspace, server: Running) -> None:
    text = SCHEDULE.format(code="marked", title=MARKUP) + RULE.format(title=MARKUP)
    (workspace.folder / "marked.toml").write_text(text)
    roster = f"registration,name,category,email\nM-1,{MARKUP},student,m@example.org\nM-2,Asha,student,[red]:x:\n"
    (workspace.folder / "marked.csv").write_text(roster)
    loading = ("import", "schedule", "marked.toml"), ("import", "students", "marked.csv")
    published, enrolled = run_concurrently(workspace, *loading)
    quoted, machine = run_concurrently(workspace, quoting := ("quote", "marked", "M-1"), (*quoting, "--json"))
    command = {"schedule": "marked", "registration": "M-1"}
    with server.client() as client:
        quote = client.post("/v1/quotes", json=command).json()
        name = client.get("/v1/students/M-1").json()["enrolment"]["name"]
        client.post("/v1/exam-fees", json=command, headers={"Idempotency-Key": "marked"}).raise_for_status()
        until(lambda: f"Dear {MARKUP}," in server.log.read_text())

    assert published.stdout == f"marked, version 1: {MARKUP}\n"
    assert "email '[red]:x:' has no @" in enrolled.stderr
    assert MARKUP in quoted.stdout
    assert json.loads(machine.stdout) == quote
    assert MARKUP in quote["lines"][0]["why"]
    assert name == MARKUP


def test_invalid_rows_of_a_roster_are_reported_by_line_with_exit_code_1(workspace: Workspace, server: Running) -> None:
    rows = ["registration,name,category,email", "R-1,Asha,student,", "R-2,,student,", "R-3,Ravi,STUDENT,"]
    (workspace.folder / "roster.csv").write_text("\n".join([*rows, "R-1,Again,student,"]))
    done = workspace.run("import", "students", "roster.csv")

    assert done.returncode == 1
    assert done.stdout == "4 rows: 1 added, 0 changed, 0 unchanged, 3 rejected\n"
    assert re.findall(r"^line (\d+): \S", done.stderr, re.MULTILINE) == ["3", "4", "5"]
    assert done.stderr.startswith("line 3: name is empty\n"), "a progress bar was drawn without a terminal"
    assert_plain(done.stdout + done.stderr)


def test_a_contradictory_schedule_is_refused_with_the_path(workspace: Workspace, server: Running) -> None:
    text = SCHEDULE.format(code="twice", title="Twice") + 2 * RULE.format(title="Registration")
    (workspace.folder / "twice.toml").write_text(text)
    done = workspace.run("import", "schedule", "twice.toml")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("invalid-schedule: ")
    assert done.stderr.endswith(" (at $.rules[1])\n")


def test_an_unknown_fee_ends_with_exit_code_1(workspace: Workspace, server: Running) -> None:
    done = workspace.run("show", "BF-0000-0000-0000-0")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("unknown-exam-fee: ")
    assert "BF-0000-0000-0000-0" in done.stderr


def test_a_key_submits_once_and_another_key_gets_the_first_reference(workspace: Workspace, server: Running) -> None:
    words = ("submit", "sahyadri-semester", "SU-2026-0002", "--key")
    first, again = workspace.json(*words, "counter-1"), workspace.json(*words, "counter-1")
    refused = workspace.run(*words, "counter-2")

    assert again == first
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.startswith("fee-already-submitted: ")
    assert first["reference"] in refused.stderr


@pytest.mark.parametrize("path", [path for path, _ in commands()], ids=" ".join)
def test_the_example_in_the_help_has_valid_words_and_options(path: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(create_bursar(open_runtime), [*path, "--help"])
    [command] = [command for each, command in commands() if each == path]
    words = shlex.split(command.epilog.removeprefix("Example: bursar "))

    assert shown.exit_code == 0
    assert f"Example: bursar {' '.join(path)}" in shown.stdout
    assert tuple(words[: len(path)]) == path
    known = {flag for option in command.params for flag in option.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_the_version_is_printed(workspace: Workspace) -> None:
    done = workspace.run("--version")

    assert done.returncode == 0
    assert re.fullmatch(r"bursar \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_the_shell_completes_commands(tmp_path: Path) -> None:
    script = """
eval "$(bursar --show-completion)"
COMP_WORDS=(bursar qu) COMP_CWORD=1
_bursar_completion bursar
echo "${COMPREPLY[@]}"
"""
    path = f"{Path(BURSAR).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "quote\n", "")


def test_in_an_empty_folder_every_dependency_is_ready(tmp_path: Path) -> None:
    found = Workspace(tmp_path, None, LOCAL).json("doctor")
    ready = {each["name"].partition(" ")[0]: each["ready"] for each in found}

    assert {name: ready.get(name) for name in ("persistence", "events", "cache")} == {
        "persistence": True,
        "events": True,
        "cache": True,
    }


def test_the_demonstration_loses_and_duplicates_nothing(tmp_path: Path) -> None:
    done = Workspace(tmp_path, None, {}).run("demo", "--candidates", "20")
    counts = dict(line.split() for line in done.stdout.splitlines())

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert_plain(done.stdout)
    assert {name: counts[name] for name in counts if name != "seconds"} == {
        "submitted": "20",
        "confirmed": "20",
        "paid": "20",
        "receipts": "20",
        "emails": "20",
        "sms": "20",
        "lost": "0",
        "duplicates": "0",
    }
    assert list(tmp_path.iterdir()) == []


def test_vendor_standings_are_reported_by_the_dispatcher(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, None, {"BURSAR__HTTP__PORT": "0"})
    with workspace.serve() as server, server.client() as client:
        until(lambda: client.get("/v1/vendors").json())
        over_http = client.get("/v1/vendors").json()
        listed = workspace.json("vendors")
        shown = workspace.run("vendors").stdout

    found = [(each["channel"], each["vendor"], each["breaker"]) for each in listed]
    assert found == [("email", "console", "closed"), ("sms", "console", "closed")]
    assert [each["process"] for each in over_http] == [each["process"] for each in listed]
    assert listed[0]["process"] in shown


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("doctor >&-", 0, ""),
        ("doctor >&- 2>&- <&-", 0, ""),
        ("doctor >/dev/full", 1, "file-error: standard output: No space left on device"),
        ("--help >/dev/full", 1, "file-error: standard output: No space left on device"),
    ],
)
def test_closed_and_full_outputs_are_no_defect(tmp_path: Path, command: str, code: int, said: str) -> None:
    shell = f"{shlex.quote(BURSAR)} {command}"
    ended = subprocess.run(shell, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr.strip()) == (code, said)


@pytest.mark.parametrize(
    ("command", "path", "code", "said"),
    [
        ("migrate", "{folder}/nowhere/bursar.db", 75, "in a folder that exists"),
        ("serve", "{folder}/nowhere/bursar.db", 1, "in a folder that exists"),
        ("doctor", "{folder}/damaged.db", 75, "restore it from a backup"),
        ("serve", "{folder}/damaged.db", 75, "restore it from a backup"),
        ("migrate", "{folder}", 75, "names a file"),
    ],
)
def test_a_database_file_that_cannot_be_used_is_told_in_words(
    tmp_path: Path, command: str, path: str, code: int, said: str
) -> None:
    (tmp_path / "damaged.db").write_bytes(b"not a database " * 1_000)
    office = Workspace(tmp_path, None, LOCAL | {"BURSAR__SQLITE__PATH": path.format(folder=tmp_path)})
    ended = office.run(command)

    assert ended.returncode == code
    assert said in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_is_printed_is_utf8_in_every_locale(tmp_path: Path) -> None:
    title = "परीक्षा"
    text = SCHEDULE.format(code="hindi", title=title) + RULE.format(title=title)
    (tmp_path / "hindi.toml").write_text(text, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"}
    command = [BURSAR, "import", "schedule", "hindi.toml"]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, timeout=60)

    assert (done.stdout.decode(), done.returncode) == (f"hindi, version 1: {title}\n", 0), done.stderr.decode()
