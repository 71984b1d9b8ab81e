import asyncio
import json
import os
import pwd
from typing import Any

import pytest

from core.identity.account import Account
from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from tests.unit.cli.runner import CliRunner
from tests.unit.identity.harness import NewAccount

ME = pwd.getpwuid(os.geteuid()).pw_name


def account(runner: CliRunner, role: Role, login: str) -> Account:
    async def create() -> Account:
        identity = runner.application.use_cases().identity
        created: Account = await identity.create_account(NewAccount(roles=(role,), name="Asha Kulkarni"))
        await identity.create_password_link(created.id, login)
        return created

    with acting_as(SYSTEM):
        return asyncio.run(create())


def records(runner: CliRunner) -> list[dict[str, Any]]:
    _, out, _ = runner.run("audit", "list", "--json")
    items: list[dict[str, Any]] = json.loads(out)["items"]
    return items


def test_the_operator_is_the_user_of_the_process_and_not_what_the_environment_says(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "another")

    runner.run("accounts", "create", "--role", "officer", "--name", "Ravi")

    assert records(runner)[0]["actor"] == f"user:{ME}"


@pytest.mark.parametrize("by_login", [False, True])
def test_acting_as_an_account_has_its_permissions_and_both_names(runner: CliRunner, by_login: bool) -> None:
    officer = account(runner, Role.OFFICER, "asha.k")
    administrator = account(runner, Role.ADMINISTRATOR, "meenakshi")
    named = {
        each: login if by_login else str(each.id) for each, login in ((officer, "Asha.K"), (administrator, "meenakshi"))
    }
    create = ("accounts", "create", "--role", "officer", "--name", "Ravi")

    code, _, refused = runner.run("--as", named[officer], *create)
    done = runner.run("--as", named[administrator], *create)[0]

    assert (code, refused.split(":")[0], done) == (1, "not-permitted", 0)
    first, second = records(runner)[:2]
    assert [each["outcome"] for each in (second, first)] == ["not-permitted", "done"]
    assert first["actor"] == f"user:{ME} as account:{administrator.id}"
    assert (first["account"], second["account"]) == (str(administrator.id), str(officer.id))


@pytest.mark.parametrize("named", ["unknown", "0191c0de-7a3c-7c1e-9d55-0a4f4e1c2b3d", "", "not a login", "\ud800"])
def test_an_account_that_does_not_exist_is_refused(runner: CliRunner, named: str) -> None:
    code, out, err = runner.run("--as", named, "accounts", "list")

    assert (code, out, err.split(":")[0]) == (1, "", "unknown-account")


def test_a_disabled_account_is_refused(runner: CliRunner) -> None:
    administrator = account(runner, Role.ADMINISTRATOR, "meenakshi")
    runner.run("accounts", "disable", str(administrator.id))

    for named in (str(administrator.id), "meenakshi"):
        code, _, err = runner.run("--as", named, "accounts", "list")
        assert (code, err.split(":")[0]) == (3, "account-disabled")


@pytest.mark.parametrize(
    "command", [("migrate",), ("topics",), ("serve",), ("keys", "rotate"), ("outbox",), ("doctor",)]
)
def test_an_account_does_not_do_the_work_of_the_program(runner: CliRunner, command: tuple[str, ...]) -> None:
    account(runner, Role.ADMINISTRATOR, "meenakshi")

    code, _, err = runner.run("--as", "meenakshi", *command)

    assert (code, err.split(":")[0]) == (1, "not-permitted")
