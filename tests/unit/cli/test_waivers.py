import asyncio
import json

from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from core.payments.open_fee_accounts import ChargedFee
from tests.examples import NOON, ids
from tests.unit.cli.runner import CliRunner


async def a_fee(runner: CliRunner) -> None:
    fee = ChargedFee(
        submission=ids.new(), student=ids.new(), reference="BF-1", schedule="s-1", total=Money(500, "INR"),
        pay_by=None, at=NOON,
    )  # fmt: skip
    made = charge(fee.submission, fee.student, [ChargedHead("examination", fee.total)], NOON)
    assert made is not None
    await runner.application.use_cases().ledger.post_transactions([made])
    await runner.application.use_cases().payments.open_fee_accounts([fee])


def test_a_waiver_waits_for_another_person(runner: CliRunner) -> None:
    asyncio.run(a_fee(runner))

    code, line, _ = runner.run("waive", "request", "BF-1", "examination", "--amount", "200", "--why", "flood", "--json")
    waiver = json.loads(line)["waiver"]
    _, table, _ = runner.run("waive", "list")
    refusals = [
        runner.run("waive", "decide", waiver, "approve", "--why", "seen"),
        runner.run("waive", "retract", waiver, "--why", "seen"),
        runner.run("waive", "request", "BF-1", "examination", "--why", "neither an amount nor a percentage"),
    ]

    assert code == 0
    assert waiver in table
    assert "₹2.00" in table
    assert [(code, err.partition(":")[0]) for code, _, err in refusals] == [
        (3, "same-person"),
        (3, "already-decided"),
        (1, "unprocessable"),
    ]
