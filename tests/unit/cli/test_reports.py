import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet
import pytest

from core.kernel.authorization import SYSTEM, acting_as
from core.kernel.money import Money
from core.ledger.charge import ChargedHead, charge
from core.payments.open_fee_accounts import ChargedFee
from tests.examples import NOON, a_student, enrol, ids
from tests.unit.cli.runner import CliRunner

DAY = str(NOON.date())


async def charged(runner: CliRunner) -> None:
    """Charge 1,500.05 rupees to a student whose registration is a formula."""
    student = a_student(1, registration="@SUM(A1)", centre="C-1")
    await enrol(runner.application, student)
    use_cases = runner.application.use_cases()
    fee = ChargedFee(
        submission=ids.new(), student=student.id, reference="BF-1", schedule="s-1", total=Money(150_005, "INR"),
        pay_by=NOON, at=NOON,
    )  # fmt: skip
    made = charge(fee.submission, fee.student, [ChargedHead("examination", fee.total)], fee.at)
    assert made is not None
    with acting_as(SYSTEM):
        await use_cases.payments.open_fee_accounts([fee])
        await use_cases.ledger.post_transactions([made])


@pytest.fixture
def office(runner: CliRunner) -> CliRunner:
    asyncio.run(charged(runner))
    return runner


def test_reports_are_csv_on_standard_output(office: CliRunner) -> None:
    assert office.run("dues", "list", "s-1", "--day", DAY)[1].splitlines()[1] == (
        "'@SUM(A1),BF-1,C-1,INR,1500.05,0.00,0.00,0.00,1500.05,0.00,1500.05,2026-11-20T12:30:00.123456Z"
    )
    assert office.run("dues", "centres", "s-1")[1].splitlines()[1] == "C-1,INR,1,1500.05,0.00,1500.05,0.00,1500.05"
    assert office.run("ledger", "day-book", DAY)[1].splitlines()[2] == "closing,,,,,,income:examination,INR,1500.05"
    code, collection, err = office.run("ledger", "collection", "--from", DAY, "--to", DAY, "--daily")
    assert (code, err) == (0, "")
    assert collection.splitlines()[1] == f"{DAY},{DAY},s-1,examination,INR,1500.05,0.00,0.00,0.00,0.00,0.00,0.00"


def test_json_has_minor_units(office: CliRunner) -> None:
    code, out, _ = office.run("dues", "list", "s-1", "--format", "json")

    [line] = map(json.loads, out.splitlines())
    assert (code, line["registration"], line["owed_minor"], line["currency"]) == (0, "@SUM(A1)", 150_005, "INR")


def test_parquet_has_minor_units_and_moments(office: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "dues.parquet"

    assert office.run("dues", "list", "s-1", "--format", "parquet", "--out", str(file)) == (0, "", "")

    [row] = pyarrow.parquet.read_table(file).to_pylist()
    assert (row["registration"], row["owed_minor"], row["currency"]) == ("@SUM(A1)", 150_005, "INR")
    assert (row["pay_by"], row["pay_by"].utcoffset()) == (NOON, timedelta(0))


def test_an_empty_report_is_a_parquet_file_with_its_columns(office: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "empty.parquet"

    office.run("ledger", "day-book", "2001-01-01", "--format", "parquet", "--out", str(file))

    assert pyarrow.parquet.read_table(file).schema.names[-1] == "amount_minor"


def test_parquet_without_its_package_or_a_file_says_what_is_missing(
    office: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = office.run("dues", "list", "s-1", "--format", "parquet")
    assert (code, err) == (1, "invalid: Parquet is written into a file: give --out FILE\n")

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "entrypoints.cli.parquet", raising=False)
    code, _, err = office.run("dues", "list", "s-1", "--format", "parquet", "--out", str(tmp_path / "dues.parquet"))

    assert code == 1
    assert "pip install 'bursar[parquet]'" in err
    assert list(tmp_path.iterdir()) == []


def test_a_refused_report_leaves_the_file_of_before(office: CliRunner, tmp_path: Path) -> None:
    file = tmp_path / "dues.csv"
    file.write_text("before")

    code, _, err = office.run("dues", "list", "s-unknown", "--out", str(file))

    assert (code, err.partition(":")[0]) == (1, "no-fees-charged")
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("dues.csv", "before")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("ledger", "day-book", "2026-02-30"), "'2026-02-30' is no day"),
        (("ledger", "day-book", "2999-01-01"), "has not begun in Asia/Kolkata"),
        (("ledger", "collection", "--from", DAY, "--to", "2026-01-01"), "`to` is before `from`"),
        (("dues", "centres", "s-1", "--day", "x"), "'x' is no day"),
    ],
)
def test_a_day_that_cannot_be_is_refused(office: CliRunner, words: tuple[str, ...], told: str) -> None:
    code, out, err = office.run(*words)

    assert (code, out) == (1, "")
    assert told in err
