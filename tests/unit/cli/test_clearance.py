import asyncio
import json
from pathlib import Path

from core.kernel.money import Money
from core.payments.open_fee_accounts import ChargedFee
from tests.examples import NOON, a_student, enrol, ids
from tests.unit.cli.runner import CliRunner


async def two_fees(runner: CliRunner) -> None:
    """Charge one fee that costs something, and one of nothing, for a student whose registration is a formula."""
    students = [a_student(1, centre="C-1"), a_student(2, registration="@SUM(A1)", centre="C-1")]
    await enrol(runner.application, *students)
    fees = [
        ChargedFee(
            submission=ids.new(), student=each.id, reference=f"BF-{number}", schedule="s-1",
            total=Money(number * 500, "INR"), pay_by=None, at=NOON,
        )
        for number, each in zip((1, 0), students, strict=True)
    ]  # fmt: skip
    await runner.application.use_cases().payments.open_fee_accounts(fees)


def test_a_list_shows_which_candidates_may_sit_the_exam(runner: CliRunner) -> None:
    asyncio.run(two_fees(runner))

    code, table, _ = runner.run("clear", "s-1")
    _, line, _ = runner.run("clear", "s-1", "--limit", "1", "--json")

    assert code == 0
    assert [each.split() for each in table.splitlines()[1:]] == [
        ["T-1", "BF-1", "C-1", "no", "unpaid"],
        ["@SUM(A1)", "BF-0", "C-1", "yes", "paid"],
    ]
    page = json.loads(line)
    assert [each["reference"] for each in page["items"]] == ["BF-1"]
    assert page["next"] == page["items"][0]["fee"]


def test_the_file_of_the_exam_hall_has_no_formulas(runner: CliRunner, tmp_path: Path) -> None:
    asyncio.run(two_fees(runner))
    file = tmp_path / "hall.csv"

    assert runner.run("clear", "s-1", "--csv", str(file)) == (0, "", "")
    code, _, error = runner.run("clear", "s-9", "--csv", str(file))

    assert file.read_text().splitlines()[1:] == ["T-1,BF-1,C-1,no,unpaid", "'@SUM(A1),BF-0,C-1,yes,paid"]
    assert (code, error.partition(":")[0]) == (1, "no-fees-charged")
