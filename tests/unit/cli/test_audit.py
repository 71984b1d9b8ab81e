import asyncio
import json
from dataclasses import replace

import pytest

from tests.unit.cli.runner import CliRunner

REPLAY = ("replay", "--consumer", "bursar", "--from", "2026-01-01", "--why", "a table was lost", "--who", "asha")


def test_what_a_command_did_and_was_refused_is_listed_with_its_operator(runner: CliRunner) -> None:
    runner.run(*REPLAY)
    runner.run(*REPLAY, "--consumer", "another")

    _, table, _ = runner.run("audit", "list")
    _, line, _ = runner.run("audit", "list", "--json", "--limit", "1", "--outcome", "done")
    _, nothing, _ = runner.run("audit", "list", "--json", "--actor", "user:another")

    assert "a table was lost" in table
    assert "unknown-consumer" in table
    page = json.loads(line)
    [record] = page["items"]
    assert (record["action"], record["target"], record["outcome"]) == ("replay-events", "events/bursar", "done")
    assert record["actor"].startswith("user:")
    assert json.loads(record["after"])["who"] == "asha"
    assert json.loads(nothing) == {"items": [], "next": None}


@pytest.mark.parametrize("wrong", [("--after", "x"), ("--from", "soon"), ("--actor", "\udcff"), ("--target", "")])
def test_a_filter_that_makes_no_sense_is_refused(runner: CliRunner, wrong: tuple[str, ...]) -> None:
    code, out, err = runner.run("audit", "list", *wrong)

    assert (code, out, err.count("\n")) == (1, "", 1)


def test_a_changed_record_ends_the_verification_with_exit_code_1(runner: CliRunner) -> None:
    runner.run(*REPLAY)
    asyncio.run(runner.application.audit.chain().seal(10))
    assert runner.run("audit", "verify")[:2] == (
        0,
        "nothing was changed: 1 sealed records and 0 published heads, 0 to be sealed\n",
    )

    [(key, record)] = runner.store.audit_records.items()
    runner.store.audit_records[key] = replace(record, reason="none")
    code, out, _ = runner.run("audit", "verify", "--json")

    assert code == 1
    assert json.loads(out) == {
        "records": 1,
        "heads": 0,
        "unsealed": 0,
        "faults": 1,
        "findings": [f"record {key} was altered, or another one has its place 1"],
    }
