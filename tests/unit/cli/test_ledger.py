import asyncio
import json
from uuid import UUID

import pytest

from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from tests.examples import NOON, a_submission, ids
from tests.unit.cli.runner import CliRunner
from tests.units_of_work import any_work

STUDENT = ids.new()


async def charge_a_fee(runner: CliRunner) -> UUID:
    """Store a fee and its charge; return its id."""
    submission, _ = a_submission(STUDENT)
    heads = [ChargedHead("examination", Money(60_000, "INR")), ChargedHead("concession", Money(-10_000, "INR"))]
    charged = charge(submission.id, STUDENT, heads, NOON)
    assert charged is not None
    async with any_work(runner.application) as work:
        work.submissions.add(submission)
        work.transactions.add(charged)
        await work.commit()
    return submission.id


def test_a_balance_is_shown_as_people_write_it(runner: CliRunner) -> None:
    asyncio.run(charge_a_fee(runner))

    assert runner.run("ledger", "balance", f"candidate:{STUDENT}")[:2] == (0, "₹500.00\n")
    assert runner.run("ledger", "balance", "income:examination", "--as-of", "2026-11-20")[:2] == (
        0,
        "income:examination has no postings\n",
    )
    _, line, _ = runner.run("ledger", "balance", "income:examination", "--json")
    assert json.loads(line)["balances"] == [{"minor": -60_000, "currency": "INR"}]


def test_a_statement_has_each_posting_of_a_fee(runner: CliRunner) -> None:
    submission = asyncio.run(charge_a_fee(runner))

    code, table, _ = runner.run("ledger", "statement", str(submission))

    assert code == 0
    assert [line.split()[2:] for line in table.splitlines()[1:]] == [
        ["charge", f"candidate:{STUDENT}", "income:examination", "₹600.00"],
        ["charge", "concession:concession", f"candidate:{STUDENT}", "₹100.00"],
    ]


@pytest.mark.parametrize("wrong", [("balance", "cash"), ("balance", "income:a", "--as-of", "soon"), ("statement", "x")])
def test_what_cannot_be_shown_is_explained_in_one_line(runner: CliRunner, wrong: tuple[str, ...]) -> None:
    code, out, err = runner.run("ledger", *wrong)

    assert (code, out, err.count("\n")) == (1, "", 1)


def test_verification_tells_what_it_counted(runner: CliRunner) -> None:
    asyncio.run(charge_a_fee(runner))

    assert runner.run("ledger", "verify")[:2] == (0, "everything agrees: 1 transactions, 2 postings, 0 sums\n")
