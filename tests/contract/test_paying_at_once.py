"""Orders that are opened at the same moment, for every kind of persistence."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.sandbox.gateway import SandboxGateway
from adapters.sandbox.payment_book import PaymentBook
from config.container import Application
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.kernel.trace import Trace, tracing
from core.payments.account_batcher import MAX_CONTENDED_ACCOUNTS
from core.payments.fine import FineRule, FineTerms
from core.payments.open_fee_accounts import ChargedFee
from core.payments.pay_exam_fee import GatewayChoice, OpenedPayment, PayExamFee
from tests.contract.test_fee_accounts import a_payment, inr, opened, read, take
from tests.databases import statements
from tests.examples import NOON, ids

MYSQL = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
PAYERS = 32
Asked = tuple[str, str]
"""The name of a fee, and the key of the request."""


@pytest.fixture
def pay(stored: Application, tmp_path: Path) -> PayExamFee:
    gateway = SandboxGateway(PaymentBook(str(tmp_path / "book.jsonl")), stored.process.clock())
    choice = GatewayChoice(default="sandbox", by_currency={})
    return replace(stored.use_cases().payments.pay_exam_fee, gateways={"sandbox": gateway}, choice=choice)


async def together(pay: PayExamFee, asked: Sequence[Asked]) -> Sequence[OpenedPayment | BaseException]:
    """Ask for orders at the same moment."""
    requests = [(name, RequestContext(arrived=NOON, scope="test", key=key)) for name, key in asked]
    return await asyncio.gather(*(pay(*each) for each in requests), return_exceptions=True)


def told(outcomes: Sequence[OpenedPayment | BaseException]) -> list[str]:
    """Return the problem of each refused order, and `opened` for the others."""
    return [each.problem if isinstance(each, CoreError) else each.state for each in outcomes]  # type: ignore[union-attr]


async def test_each_of_many_payers_gets_an_order_or_the_refusal_of_the_own_fee(
    stored: Application, pay: PayExamFee
) -> None:
    fees = [await opened(stored) for _ in range(PAYERS)]
    await take(stored, fees[3], a_payment(50_000, f"p-{fees[3]}"))

    outcomes = await together(pay, [("BF-0000", "none"), *[(str(each), str(each)) for each in fees]])

    expected = ["unknown-fee"] + ["opened"] * PAYERS
    expected[1 + 3] = "nothing-owed"
    assert told(outcomes) == expected
    for fee, outcome in zip(fees, outcomes[1:], strict=True):
        account = await read(stored, fee)
        if isinstance(outcome, OpenedPayment):
            [order] = account.orders
            assert (order.id, order.checkout, outcome.fee) == (outcome.order, outcome.checkout, fee)
        else:
            assert account.orders == []


async def test_a_fee_that_is_paid_from_two_pages_at_once_has_one_order(stored: Application, pay: PayExamFee) -> None:
    fee, other = await opened(stored), await opened(stored)

    outcomes = await together(pay, [(str(fee), "a"), (str(fee), "b"), (str(other), "c"), (str(fee), "d")])

    assert set(told(outcomes)) <= {"opened", "payment-under-way"}
    assert len((await read(stored, fee)).orders) == 1
    assert len({each.order for each in outcomes if isinstance(each, OpenedPayment)}) == 2


async def test_a_request_that_is_sent_twice_at_once_opens_one_order(stored: Application, pay: PayExamFee) -> None:
    fees = [await opened(stored) for _ in range(4)]

    outcomes = await together(pay, [(str(each), str(each)) for each in fees * 2])

    pairs = [*zip(told(outcomes)[:4], told(outcomes)[4:], strict=True)]
    assert [pair.count("opened") for pair in pairs] == [1] * 4
    assert {*told(outcomes)} - {"opened"} <= {"request-repeated", "request-in-progress", "payment-under-way"}
    assert [len((await read(stored, each)).orders) for each in fees] == [1] * 4


async def test_a_fine_that_is_quoted_is_told_in_the_request_of_its_payer(stored: Application, pay: PayExamFee) -> None:
    rule = FineRule(rule="late", head="late fee", amount=7_000)
    fee = ChargedFee(
        submission=ids.new(),
        student=ids.new(),
        reference=f"BF-{ids.new().hex[-12:]}".upper(),
        schedule="S",
        total=inr(50_000),
        pay_by=NOON - timedelta(days=1),
        at=NOON - timedelta(days=9),
        fine_terms=FineTerms(version=1, zone="Asia/Kolkata", rules=(rule,)),
    )
    await stored.use_cases().payments.open_fee_accounts([fee])

    with tracing(Trace("the payer's request")):
        [late, _] = await together(pay, [(fee.reference, "late"), (str(await opened(stored)), "in time")])

    assert isinstance(late, OpenedPayment)
    assert late.amount == inr(57_000)
    history = await stored.messaging.event_history().page("payments", None, 10_000)
    assert [each.trace.request_id for each in history if each.type == "FeeFined"] == ["the payer's request"]


@MYSQL
async def test_a_payer_does_not_wait_for_the_locked_accounts_of_others(stored: Application, pay: PayExamFee) -> None:
    fees = [await opened(stored) for _ in range(MAX_CONTENDED_ACCOUNTS + 2)]
    *locked, free = fees

    async with stored.payments.new_work() as work:
        await work.accounts.lock(locked)
        waiting = asyncio.create_task(together(pay, [(str(each), str(each)) for each in locked]))
        async with asyncio.timeout(1.5):  # a lock is waited for longer
            assert told(await together(pay, [(str(free), "free")])) == ["opened"]
    assert told(await waiting) == ["opened"] * len(locked)


@MYSQL
async def test_an_order_costs_ten_statements_and_one_of_many_two(stored: Application, pay: PayExamFee) -> None:
    """They find its name, reserve it, and store the answer of its gateway."""
    alone, *many = [str(await opened(stored)) for _ in range(1 + PAYERS)]
    asked = statements(stored)

    assert told(await together(pay, [(alone, alone)])) == ["opened"]
    assert len(asked) <= 10

    asked.clear()
    assert told(await together(pay, [(each, each) for each in many])) == ["opened"] * PAYERS
    assert len(asked) <= 2 * PAYERS
