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
def test_a_refused_replay_prints_no_counts(runner: CliRunner, change: tuple[str, ...], form: tuple[str, ...]) -> None:
    code, out, err = runner.run(*REPLAY, *change, *form)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert runner.store.replays == {}


def test_a_replay_without_events_prints_zeros(runner: CliRunner) -> None:
    code, out, _ = runner.run(*REPLAY)
    _, machine, _ = runner.run(*REPLAY, "--json")

    assert (code, out) == (0, "0 events taken in, 0 left to the broker, 0 are dead letters, 0 failed\n")
    assert json.loads(machine) == {"taken": 0, "left": 0, "dead_letters": 0, "failed": 0}


def test_a_dry_run_prints_what_would_be_done(runner: CliRunner) -> None:
    _, out, _ = runner.run(*REPLAY, "--dry-run")

    assert out.startswith("0 events would be taken in, ")


def test_the_help_of_send_warns_about_duplicate_notices(runner: CliRunner) -> None:
    _, out, _ = runner.run("replay", "--help")

    assert "hear it again" in " ".join(out.replace("│", " ").split())
