import asyncio
import json

import pytest

from entrypoints.jobs import NAMES
from tests.unit.cli.runner import CliRunner

RUN = ("jobs", "run", "holds_expired", "--why", "the scheduler was off")


def test_every_job_is_listed_before_its_first_run(runner: CliRunner) -> None:
    code, out, err = runner.run("jobs", "list")

    assert (code, err) == (0, "")
    assert all(name in out for name in NAMES) and "never" in out


def test_a_run_now_is_listed_with_its_process_and_recorded_with_its_reason(runner: CliRunner) -> None:
    assert runner.run(*RUN) == (0, "holds_expired: done 0\n", "")

    _, out, _ = runner.run("jobs", "list", "--json")
    [ran] = [each for each in json.loads(out) if each["started_at"]]
    assert (ran["name"], ran["outcome"], ran["missed"], ran["every_seconds"]) == (
        "holds_expired",
        "done",
        "catch up",
        20,
    )
    assert ran["process"] and ran["seconds"] >= 0
    [record] = runner.store.audit_records.values()
    assert (record.action, record.target, record.reason) == ("run-job", "job/holds_expired", "the scheduler was off")


def test_a_job_that_another_process_runs_is_refused_with_its_name(runner: CliRunner) -> None:
    async def begin() -> None:
        runs = runner.application.jobs.runs()
        assert await runs.begin((await runs.states(["holds_expired"]))[0], "host-7", 60)

    asyncio.run(begin())
    code, out, err = runner.run(*RUN)

    assert (code, out) == (3, "")
    assert err.startswith("job-is-running: host-7 runs holds_expired since 20")
    assert "running" in runner.run("jobs", "list")[1]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_unknown_job_is_refused_with_the_known_ones(runner: CliRunner, form: tuple[str, ...]) -> None:
    code, out, err = runner.run("jobs", "run", "fines", "--why", "a try", *form)

    assert (code, out) == (1, "")
    assert err == f"unknown-job: there is no job 'fines'; there are {', '.join(NAMES)}\n"


def test_a_failed_run_tells_its_error(runner: CliRunner) -> None:
    assert runner.run("jobs", "run", "holds_expired", "--why", "")[0] == 1
