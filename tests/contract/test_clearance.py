"""The contract of clearance lists, for every kind of persistence."""

from collections.abc import Sequence

import pytest

from config.container import Application
from core.kernel.authorization import Permission, Principal, acting_as
from core.kernel.money import Money
from core.payments.errors import NoFeesCharged
from core.payments.fee_account import FeeAccount
from core.payments.list_clearance import clearance_file
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderState, OrderTerms
from core.payments.payment import Payment, payment_id
from tests.examples import NOON, a_student, enrol, ids

CENTRES = ("C-1", "C-2")


async def charged(stored: Application, schedule: str, count: int) -> Sequence[FeeAccount]:
    """Enrol students at two centres in turn, and open an account for each, the first one for an erased student."""
    students = [a_student(number, centre=CENTRES[number % 2]) for number in range(count)]
    await enrol(stored, *students[1:])
    fees = [
        ChargedFee(
            submission=ids.new(), student=each.id, reference=f"BF-{each.id.hex[-12:].upper()}", schedule=schedule,
            total=Money(500, "INR"), pay_by=None, at=NOON,
        )
        for each in students
    ]  # fmt: skip
    await stored.use_cases().payments.open_fee_accounts(fees)
    return [each.account() for each in fees]


async def change(stored: Application, account: FeeAccount, *, paid: int = 0, debited: bool = False) -> None:
    """Pay an amount, or begin an attempt whose payer may be debited."""
    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([account.submission]))[account.submission]
        if debited:
            order = account.open_order(ids.new(), "sandbox", NOON, OrderTerms())
            order.moves_to(OrderState.AUTHORISED)
        if paid:
            name = str(ids.new())
            payment = Payment(
                id=payment_id("sandbox", name), gateway="sandbox", gateway_payment=name, amount=Money(paid, "INR"),
                paid_at=NOON,
            )  # fmt: skip
            account.capture(payment, NOON)
        work.accounts.save(account)
        work.record(*account.events)
        await work.commit()


async def test_each_fee_of_a_schedule_is_on_one_page_also_if_it_is_cleared_meanwhile(stored: Application) -> None:
    accounts = await charged(stored, "s-1", 7)
    await charged(stored, "s-2", 1)
    await change(stored, accounts[1], paid=500)
    await change(stored, accounts[2], debited=True)
    await change(stored, accounts[3], paid=200)
    listing = stored.use_cases().payments.list_clearance

    first = await listing("s-1", None, 3)
    await change(stored, accounts[0], paid=500)
    await change(stored, accounts[4], paid=500)
    second = await listing("s-1", first.next, 4)

    assert [(each.registration, each.cleared, each.status) for each in (*first.items, *second.items)] == [
        ("", False, "unpaid"),
        ("T-1", True, "paid"),
        ("T-2", False, "pending"),
        ("T-3", False, "part-paid"),
        ("T-4", True, "paid"),
        ("T-5", False, "unpaid"),
        ("T-6", False, "unpaid"),
    ]
    assert (first.next, second.next) == (accounts[2].submission, None)


async def test_a_clerk_sees_the_own_centre(stored: Application) -> None:
    await charged(stored, "s-1", 6)
    clerk = Principal(subject="clerk", permissions=frozenset({Permission.CLEARANCE_READ}), centre="C-2")

    with acting_as(clerk):
        page = await stored.use_cases().payments.list_clearance("s-1", None, 2)
        rest = await stored.use_cases().payments.list_clearance("s-1", page.next, 2)
        with pytest.raises(NoFeesCharged):
            await stored.use_cases().payments.list_clearance("s-9", None, 2)

    assert [each.registration for each in (*page.items, *rest.items)] == ["T-1", "T-3", "T-5"]


async def test_the_hall_list_has_every_candidate(stored: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.payments.list_clearance.PAGE_OF_FILE", 2)
    accounts = await charged(stored, "s-1", 5)
    await change(stored, accounts[4], paid=500)

    parts = [part async for part in clearance_file(stored.use_cases().payments.list_clearance, "s-1")]

    lines = b"".join(parts).decode().splitlines()
    assert len(parts) == 3
    assert lines[0] == "registration,reference,centre,cleared,status"
    assert lines[1:] == [
        f"{'' if number == 0 else f'T-{number}'},{each.reference},{CENTRES[number % 2] if number else ''},"
        f"{'yes,paid' if number == 4 else 'no,unpaid'}"
        for number, each in enumerate(accounts)
    ]
