import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from core.kernel.errors import Unavailable
from core.use_cases import UseCases
from entrypoints.jobs import NAMES, job_named
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


def test_a_run_without_a_reason_is_refused(runner: CliRunner) -> None:
    assert runner.run("jobs", "run", "holds_expired", "--why", "")[0] == 1


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            ZeroDivisionError("a defect"),
            1,
            "job-failed: holds_expired failed: ZeroDivisionError: a defect;",
        ),
        (Unavailable("the database is away"), 75, "unavailable: the database is away"),
    ],
)
def test_a_failed_run_tells_its_error_and_is_listed(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, said: str
) -> None:
    async def fail(_: UseCases) -> int:
        raise error

    does(monkeypatch, fail)
    ended, out, err = runner.run(*RUN)

    assert (ended, out) == (code, "") and err.startswith(said)
    assert last_run(runner)["outcome"] == "failed" and last_run(runner)["error"] == type(error).__name__


def test_ctrl_c_ends_a_run_and_the_next_one_is_due_at_once(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(_: UseCases) -> int:
        signal.raise_signal(signal.SIGINT)
        await asyncio.Event().wait()
        return 1

    does(monkeypatch, interrupted)

    assert runner.run(*RUN) == (130, "", "stopped; the next run is due at once\n")
    ran = last_run(runner)
    assert (ran["outcome"], ran["running"], ran["next_at"] <= ran["started_at"]) == ("interrupted", False, True)


def does(monkeypatch: pytest.MonkeyPatch, work: Callable[[UseCases], Awaitable[int]]) -> None:
    """Give the job another work."""
    job = replace(job_named("holds_expired"), work=work)
    monkeypatch.setattr("entrypoints.cli.jobs.jobs.job_named", lambda _: job)


def last_run(runner: CliRunner) -> Any:
    [ran] = [each for each in json.loads(runner.run("jobs", "list", "--json")[1]) if each["started_at"]]
    return ran
