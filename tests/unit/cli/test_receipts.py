import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.kernel.authorization import SYSTEM, acting_as
from core.kernel.money import Money
from core.receipts.receipt import ReceivedPayment
from tests.examples import NOON, ids
from tests.unit.cli.runner import CliRunner

NUMBER = "R-2026-27-000001"


def issue(runner: CliRunner, *payments: dict[str, Any]) -> None:
    """Issue a receipt for each payment, in their order."""
    given: dict[str, Any] = {"student": ids.new(), "reference": "BF-7K3M-9QZ4-XA2B-C", "method": "upi", "paid_at": NOON}
    given |= {"schedule": "neet-ug-2027", "amount": Money(150_000, "INR")}

    async def each_of_them() -> None:
        for changes in payments:
            told = (
                given | {"submission": ids.new(), "schedule": "neet-ug-2027", "amount": Money(150_000, "INR")} | changes
            )
            with acting_as(SYSTEM):
                paid = ReceivedPayment(payment=ids.new(), **told)
                await runner.application.use_cases().receipts.issue_receipts([paid])

    asyncio.run(each_of_them())


def numbers(table: str) -> list[int]:
    return [int(line.split()[0][-6:]) for line in table.splitlines()[1:]]


def test_a_receipt_is_shown_in_a_line_of_its_office(runner: CliRunner) -> None:
    issue(runner, {})

    code, table, _ = runner.run("receipt", "show", NUMBER)

    assert code == 0
    [line] = table.splitlines()[1:]
    for told in (NUMBER, "BF-7K3M-9QZ4-XA2B-C", "₹1,500.00", "upi", "+05:30 (Asia/Kolkata)"):
        assert told in line
    assert json.loads(runner.run("receipt", "show", NUMBER, "--json")[1])["amount"]["minor"] == 150_000


def test_receipts_are_listed_by_what_they_have_in_common(runner: CliRunner) -> None:
    issue(runner, {}, {"schedule": "board-2027"}, {}, {"schedule": "board-2027"})
    issue(runner, {"paid_at": NOON - timedelta(days=365)})

    def listed(*words: str) -> list[int]:
        code, table, _ = runner.run("receipt", "list", *words)
        assert code == 0
        return numbers(table)

    assert listed() == [4, 3, 2, 1]
    assert listed("--schedule", "board-2027") == [4, 2]
    assert listed("--first", "2", "--last", "3") == [3, 2]
    assert listed("--before", "R-2026-27-000003", "--limit", "1") == [2]
    assert listed("--year", "2025-26") == [1]
    assert listed("--series", "X") == []


def test_a_receipt_is_void_once_and_its_number_stays(runner: CliRunner) -> None:
    issue(runner, {}, {})

    assert runner.run("receipt", "void", NUMBER, "--why", "printed twice")[:2] == (0, f"{NUMBER} is void\n")
    code, out, err = runner.run("receipt", "void", NUMBER, "--why", "once more")

    assert (code, out, "is void already" in err) == (3, "", True)
    assert numbers(runner.run("receipt", "list")[1]) == [2, 1]
    assert "printed twice" in runner.run("receipt", "show", NUMBER)[1]
    assert "void-receipt" in runner.run("audit", "list")[1]


def test_a_receipt_is_printed_into_a_file(runner: CliRunner, tmp_path: Path) -> None:
    issue(runner, {})

    assert runner.run("receipt", "pdf", NUMBER, "--output", str(tmp_path / "receipt.pdf"))[0] == 0
    assert (tmp_path / "receipt.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize(
    "wrong",
    [
        ("show", "R-1"),
        ("show", "R-2026-27-000009"),
        ("pdf", "R-2026-27-000009"),
        ("void", "R-2026-27-000009", "--why", "x"),
        ("void", NUMBER, "--why", ""),
        ("list", "--before", "7"),
        ("list", "--fee", "BF-0000"),
    ],
)
def test_what_cannot_be_done_with_a_receipt_is_explained_in_one_line(runner: CliRunner, wrong: tuple[str, ...]) -> None:
    issue(runner, {})

    code, out, err = runner.run("receipt", *wrong)

    assert (code, out, err.count("\n")) == (1, "", 1)
    assert json.loads(runner.run("receipt", "show", NUMBER, "--json")[1])["void"] is None
