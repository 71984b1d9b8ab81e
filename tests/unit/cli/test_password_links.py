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
