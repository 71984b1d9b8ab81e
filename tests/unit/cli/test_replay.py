import json

import pytest

from tests.unit.cli.runner import CliRunner

REPLAY = ("replay", "--consumer", "bursar", "--from", "2026-01-01", "--why", "a table was lost", "--who", "asha")


@pytest.mark.parametrize("form", [(), ("--json",), ("--dry-run",)])
@pytest.mark.parametrize(
    "change",
    [("--consumer", "nobody"), ("--from", "soon"), ("--why", " "), ("--to", "2025-01-01"), ("--type", "x" * 65)],
    ids=lambda change: change[0],
)
def test_a_replay_that_was_refused_tells_no_result(
    counter: CliRunner, change: tuple[str, ...], form: tuple[str, ...]
) -> None:
    code, out, err = counter.run(*REPLAY, *change, *form)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert counter.store.replays == {}


def test_a_replay_that_found_nothing_tells_so(counter: CliRunner) -> None:
    code, out, _ = counter.run(*REPLAY)
    _, machine, _ = counter.run(*REPLAY, "--json")

    assert (code, out) == (0, "0 events taken in, 0 left to the broker, 0 are dead letters, 0 failed\n")
    assert json.loads(machine) == {"taken": 0, "left": 0, "dead_letters": 0, "failed": 0}


def test_a_dry_run_does_not_say_that_anything_was_done(counter: CliRunner) -> None:
    _, out, _ = counter.run(*REPLAY, "--dry-run")

    assert out.startswith("0 events would be taken in, ")


def test_the_help_of_send_warns_about_duplicate_notices(counter: CliRunner) -> None:
    _, out, _ = counter.run("replay", "--help")

    assert "hear it again" in " ".join(out.replace("│", " ").split())
