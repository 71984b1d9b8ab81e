import asyncio

import pytest

from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from tests.unit.cli.runner import CliRunner
from tests.unit.identity.harness import Office


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> CliRunner:
    return CliRunner(capsys)


def test_an_administrator_of_the_machine_resets_a_second_factor_and_the_audit_names_it(cli: CliRunner) -> None:
    async def enrolled() -> str:
        office = await Office.over(cli.application).open()
        account = await office.account(Role.ADMINISTRATOR)
        await office.with_second_factor(await office.signed_in(account))
        return str(account.id)

    with acting_as(SYSTEM):
        account = asyncio.run(enrolled())
    first, again = (cli.run("accounts", "reset-second-factor", account) for _ in range(2))

    assert first[:2] == (0, f"{account} has no second factor any more, and no open session\n")
    assert (again[0], "no-second-factor" in again[2]) == (3, True)
    assert all(each.ended_at for each in cli.store.sessions.values())
    reset = [each for each in cli.store.audit_records.values() if each.action == "reset-second-factor"]
    assert [(each.target, each.outcome) for each in reset] == [
        (f"account/{account}", "done"),
        (account, "no-second-factor"),
    ]
    assert all(each.actor.startswith("user:") for each in reset)
