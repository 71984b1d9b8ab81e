from core.fees.quote import QuoteLine
from core.kernel.money import Money
from entrypoints.cli.fees.exam_fees import price_table


def test_a_price_is_shown_with_the_decimals_of_its_currency() -> None:
    line = QuoteLine("examination", "1 paper", Money(1_500, "JPY"))

    head, why, amounts = price_table([line], Money(1_500, "JPY")).columns

    assert (head.footer, why.footer, amounts.header, amounts.footer) == ("", "total", "amount (JPY)", "1,500")
    assert list(amounts.cells) == ["1,500"]
