import asyncio
import json
import re
import shlex

from core.kernel.authorization import SYSTEM, acting_as
from tests.unit.cli.runner import CliRunner
from tests.unit.identity.harness import GOOD_PASSWORD


def test_the_printed_command_sets_the_password_and_has_no_secret_in_its_arguments(runner: CliRunner) -> None:
    code, out, _ = runner.run("accounts", "create-admin", "meenakshi", "--name", "Meenakshi Iyer")

    [command] = [line for line in out.splitlines() if "curl" in line]
    [body] = [line.strip() for line in out.splitlines() if line.lstrip().startswith("{")]
    token = json.loads(body)["token"]
    assert code == 0
    assert shlex.split(command)[-2:] == ["--data", "@-"], "it reads the body from its input"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert token not in command
    with acting_as(SYSTEM):
        asyncio.run(runner.application.use_cases().identity.set_password(token, GOOD_PASSWORD))


def test_an_invitation_is_sent_and_not_printed(runner: CliRunner) -> None:
    create = ("accounts", "create", "--role", "officer", "--name", "Asha", "--email", "asha@example.org", "--json")
    account = json.loads(runner.run(*create)[1])["id"]
    code, out, _ = runner.run("accounts", "invite", account, "--login", "asha.k")
    [secret] = runner.store.one_time_secrets.values()

    assert (code, out.startswith("asha.k is sent a link")) == (0, True)
    sealed = runner.application.identity.secret_box().unseal(secret.id, secret.sealed)
    assert sealed["token"] not in out
    assert runner.run("accounts", "invite", account.replace(account[:4], "ffff"))[0] == 1


def test_an_account_changes_its_roles_and_comes_back(runner: CliRunner) -> None:
    created = runner.run("accounts", "create", "--role", "officer", "--name", "Asha", "--json")
    account = json.loads(created[1])["id"]
    changed = runner.run("accounts", "change-roles", account, "--role", "clerk", "--centre", "PUNE-01")
    runner.run("accounts", "disable", account)
    enabled = runner.run("accounts", "enable", account)

    assert [each[:2] for each in (changed, enabled)] == [
        (0, f"{account} is now clerk\n"),
        (0, f"{account} is active\n"),
    ]
    assert runner.run("accounts", "change-roles", account, "--role", "candidate")[0] == 1
    done = [each.action for each in runner.store.audit_records.values() if each.outcome == "done"]
    assert done == ["create-account", "change-roles", "disable-account", "enable-account"]
