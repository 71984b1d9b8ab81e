import pytest

from core.fees.quote import QuoteLine
from core.kernel.money import Money
from entrypoints.cli.fees.exam_fees import price_table


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [(5_000, "JPY", "5,000"), (12_345, "KWD", "12.345"), (15_000_000, "INR", "1,50,000.00")],
)
def test_a_price_is_shown_with_the_decimals_of_its_currency(minor: int, currency: str, written: str) -> None:
    line = QuoteLine("examination", "1 paper", Money(minor, currency))

    head, why, amounts = price_table([line], Money(minor, currency)).columns

    assert (head.footer, why.footer, amounts.header) == ("", "total", f"amount ({currency})")
    assert [amounts.footer, *amounts.cells] == [written, written]
