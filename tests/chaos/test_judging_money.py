"""The judge's findings about money, case by case."""

from dataclasses import replace
from uuid import uuid4

import pytest

from tests.chaos.findings import Findings
from tests.chaos.judge_money import judge_money
from tests.chaos.money import GatewayBook, OfficeMoney, StoredPayment, Taken
from tests.chaos.test_judging import GOOD

FEE = uuid4()
FIRST, SECOND, BACK = "1" * 32, "2" * 32, "b" * 32
BOOK = GatewayBook(
    captured={"pay_1": Taken("pay_1", 100), "pay_2": Taken("pay_2", 100)},
    refunded={BACK: Taken(BACK, 100, of="pay_2")},
)
OFFICE = OfficeMoney(
    payments=[StoredPayment(FIRST, "pay_1", FEE, 100), StoredPayment(SECOND, "pay_2", FEE, 100)],
    refunds={BACK: ("settled", 100)},
    posted={("payment", FIRST): 100, ("payment", SECOND): 100, ("refund", BACK): 100},
    balances={FEE: 0},
    due={FEE: 100},
    cleared={FEE: True},
    receipts=[(FIRST, 1), (SECOND, 2)],
)


def found(book: GatewayBook, office: OfficeMoney) -> set[str]:
    findings = Findings()
    judge_money(replace(GOOD, book=book, office=office), findings)
    return {kind for kind, told in findings.of.items() if told}


def test_nothing_is_found_where_a_fee_was_paid_twice_and_the_surplus_went_back() -> None:
    assert found(BOOK, OFFICE) == set()


@pytest.mark.parametrize(
    ("kind", "book", "office"),
    [
        ("money_lost", BOOK, replace(OFFICE, payments=OFFICE.payments[:1])),
        ("money_duplicates", BOOK, replace(OFFICE, payments=[*OFFICE.payments, OFFICE.payments[0]])),
        ("money_duplicates", replace(BOOK, captured={"pay_2": Taken("pay_2", 100)}), OFFICE),
        ("money_disagrees", replace(BOOK, captured=BOOK.captured | {"pay_1": Taken("pay_1", 99)}), OFFICE),
        ("money_lost", BOOK, replace(OFFICE, posted=OFFICE.posted | {("payment", FIRST): 0})),
        ("money_duplicates", BOOK, replace(OFFICE, posted=OFFICE.posted | {("payment", FIRST): 200})),
        ("money_lost", BOOK, replace(OFFICE, refunds={BACK: ("requested", 100)})),
        ("money_lost", BOOK, replace(OFFICE, refunds={})),
        ("money_duplicates", replace(BOOK, refunded={}), OFFICE),
        ("money_duplicates", replace(BOOK, refunded=BOOK.refunded | {"c" * 32: Taken("c", 1, of="pay_2")}), OFFICE),
        ("money_disagrees", replace(BOOK, refunded=BOOK.refunded | {"c" * 32: Taken("c", 1, of="pay_1")}), OFFICE),
        ("money_disagrees", BOOK, replace(OFFICE, balances={FEE: 1})),
        ("money_disagrees", BOOK, replace(OFFICE, cleared={FEE: False})),
        ("money_lost", BOOK, replace(OFFICE, receipts=OFFICE.receipts[:1])),
        ("money_duplicates", BOOK, replace(OFFICE, receipts=[*OFFICE.receipts, (FIRST, 3)])),
        ("money_disagrees", BOOK, replace(OFFICE, receipts=[(FIRST, 1), (SECOND, 3)])),
    ],
)
def test_a_difference_is_found(kind: str, book: GatewayBook, office: OfficeMoney) -> None:
    assert kind in found(book, office)
