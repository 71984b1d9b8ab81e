"""The contract of late fines, for every kind of persistence."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from config.container import Application
from core.fees.candidate import Candidate, StudentId
from core.fees.deadlines import Deadlines
from core.fees.fines import FineRule
from core.fees.instalments import InstalmentShare
from core.fees.paper_selection import PaperSelection
from core.kernel.errors import Conflict, Unavailable
from core.kernel.money import Money
from core.messaging.message import Received
from core.notifications.delivery import Channel
from core.notifications.errors import Unwordable
from core.notifications.rendering import OWED_FEE
from core.payments.counter_payment import CounterDeposit, CounterMethod
from core.payments.events import FeeFined, PaymentReminderDue
from core.payments.order import OrderState
from core.policies.when_fee_account_changed import when_fee_account_changed
from core.policies.when_fee_submitted import when_fee_submitted
from core.policies.when_payment_reminder_due import reminder, when_payment_reminder_due
from entrypoints.strict_decoding import decode_event
from tests.examples import (
    NOON,
    StoppedClock,
    a_delivery,
    a_message,
    a_request,
    a_schedule,
    a_submission,
    ids,
    publish,
    unpublished,
)
from tests.units_of_work import any_work

ONCE = FineRule(rule="once", amount=10_000)
DAILY = FineRule(rule="daily", head="daily-fine", amount=100, per_day=True, grace_days=1, cap=250)
A_CANDIDATE = Candidate(id=StudentId(UUID(int=1)), registration="T-1", name="Asha", category="student", country="IN")
DEADLINE = NOON + timedelta(days=1)


async def submitted(stored: Application, count: int = 1, *rules: FineRule) -> list[UUID]:
    """Publish a schedule with fines, and process submitted fees of it."""
    local = (DEADLINE + timedelta(hours=5, minutes=30)).replace(tzinfo=None)
    schedule = replace(a_schedule(), closes=Deadlines(submission=local, payment=local), fines=rules or (ONCE, DAILY))
    await publish(stored, schedule)
    events = [
        replace(a_submission(ids.new())[1], schedule_version=schedule.version, pay_by=DEADLINE) for _ in range(count)
    ]
    received = [Received(a_message(subject=each.subject), each) for each in events]
    await when_fee_submitted(received, stored.use_cases())
    return [each.subject for each in events]


async def due(stored: Application, fee: UUID) -> int:
    return (await stored.use_cases().payments.show_payments(str(fee))).due.minor


async def post(stored: Application) -> list[FeeFined]:
    """Post the fines that were told."""
    fined = [
        decode_event(each.message.body, FeeFined)
        for each in await unpublished(stored, 1000)
        if each.message.type == "FeeFined"
    ]
    await when_fee_account_changed([Received(a_message(), each) for each in fined], stored.use_cases())
    return fined


async def test_a_fine_is_charged_once_a_day_and_posted(stored: Application) -> None:
    [fee] = await submitted(stored)
    fine = replace(stored.use_cases().payments.fine_overdue_fees, clock=StoppedClock(DEADLINE - timedelta(seconds=1)))
    assert await fine() == 0

    fine = replace(fine, clock=StoppedClock(DEADLINE + timedelta(days=2)))
    assert [await fine(), await fine()] == [3, 0]

    assert await due(stored, fee) == 50_000 + 10_000 + 200
    fined = await post(stored)
    assert [(each.rule, each.schedule_version, each.head, each.amount) for each in fined] == [
        ("once", 1, "late-payment", Money(10_000, "INR")),
        ("daily", 1, "daily-fine", Money(100, "INR")),
        ("daily", 1, "daily-fine", Money(100, "INR")),
    ]
    balance = await stored.use_cases().ledger.show_balance("income:daily-fine")
    assert balance.balances == [Money(-200, "INR")]
    assert (await stored.use_cases().payments.show_payments(str(fee))).owed == Money(60_200, "INR")


async def test_two_schedulers_at_once_fine_each_fee_once(stored: Application) -> None:
    fees = await submitted(stored, 12)
    fine = replace(stored.use_cases().payments.fine_overdue_fees, clock=StoppedClock(DEADLINE + timedelta(days=9)))

    async def run() -> int:
        for _ in range(20):
            try:
                return await fine()
            except (Conflict, Unavailable):  # the scheduler runs its job again
                continue
        raise AssertionError("the job never ended")

    fined = await asyncio.gather(run(), run(), run())

    assert sum(fined) == 12 * 4
    assert [await due(stored, each) for each in fees] == [50_000 + 10_000 + 250] * 12
    assert len({each.fine for each in await post(stored)}) == 12 * 4


async def test_many_overdue_fees_are_fined_page_by_page(stored: Application) -> None:
    fees = await submitted(stored, 103)
    fine = replace(stored.use_cases().payments.fine_overdue_fees, clock=StoppedClock(DEADLINE))

    assert await fine() == 103

    assert {await due(stored, each) for each in fees} == {60_000}


async def test_money_at_the_counter_settles_the_fines_of_its_moment(stored: Application) -> None:
    in_time, late = await submitted(stored, 2)
    now = StoppedClock(DEADLINE + timedelta(minutes=1))
    taking = replace(stored.use_cases().payments.take_counter_payment, clock=now)
    deposit = CounterDeposit(method=CounterMethod.CASH, amount=Money(50_000, "INR"))

    for fee, arrived in ((in_time, NOON), (late, DEADLINE + timedelta(minutes=1))):
        await taking(str(fee), deposit, replace(a_request(str(ids.new())), arrived=arrived))

    shown = [await stored.use_cases().payments.show_payments(str(each)) for each in (in_time, late)]
    assert [(each.status, each.due.minor) for each in shown] == [("paid", 50_000), ("part-paid", 60_000)]


async def reminded(stored: Application, moment: datetime) -> tuple[int, list[PaymentReminderDue]]:
    """Run the job of a moment; return its count and all reminders that were told by then."""
    count = await replace(stored.use_cases().payments.remind_payers, clock=StoppedClock(moment))()
    told = [each.message for each in await unpublished(stored, 1000) if each.message.type == "PaymentReminderDue"]
    return count, [decode_event(each.body, PaymentReminderDue) for each in told]


async def test_each_reminder_is_told_once(stored: Application) -> None:
    await submitted(stored)
    ten = (DEADLINE - timedelta(days=1)).replace(hour=4, minute=30, second=0, microsecond=0)

    counts = [(await reminded(stored, ten + timedelta(days=days)))[0] for days in (0, 0, 1, 2, 2, 8, 30)]

    _, told = await reminded(stored, ten + timedelta(days=60))
    assert counts == [0, 0, 0, 1, 0, 1, 0]
    assert [(each.reminder, each.pay_by, each.zone) for each in told] == [
        ("overdue-1", DEADLINE, "Asia/Kolkata"),
        ("overdue-7", DEADLINE, "Asia/Kolkata"),
    ]


async def test_two_schedulers_remind_once_and_the_notice_too(stored: Application) -> None:
    fees = await submitted(stored, 5)
    job = replace(stored.use_cases().payments.remind_payers, clock=StoppedClock(DEADLINE + timedelta(days=20)))

    async def run() -> int:
        for _ in range(20):
            try:
                return await job()
            except (Conflict, Unavailable):
                continue
        raise AssertionError("the job never ended")

    assert sum(await asyncio.gather(run(), run())) == 5

    _, told = await reminded(stored, DEADLINE)
    for _ in range(2):
        await when_payment_reminder_due([Received(a_message(), each) for each in told], stored.use_cases())
    async with any_work(stored) as work:
        due = [
            each
            for channel in Channel
            for each in await work.deliveries.claim(channel, stored.process.clock().now(), DEADLINE, 100)
            if each.template == "payment_overdue"
        ]
    assert sorted((each.about, each.channel) for each in due) == sorted(
        (fee, channel) for fee in fees for channel in Channel
    )


async def test_the_words_of_a_reminder_read_what_is_owed_now(stored: Application) -> None:
    [fee] = await submitted(stored)
    facts = stored.vendors.late_facts()
    delivery = a_delivery(template="payment_due", facts={OWED_FEE: str(fee)})
    assert await facts.of(delivery) == {"owed": {"minor": 50_000, "currency": "INR"}}

    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        order = account.open_order(ids.new(), "sandbox", NOON, stored.use_cases().payments.pay_exam_fee.terms)
        order.moves_to(OrderState.AUTHORISED)
        work.accounts.save(account)
        await work.commit()

    with pytest.raises(Unwordable, match="paid meanwhile"):
        await facts.of(delivery)


async def test_a_late_payer_is_quoted_the_fine(stored: Application) -> None:
    [fee] = await submitted(stored)

    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        order = account.open_order(
            ids.new(), "sandbox", DEADLINE + timedelta(minutes=1), stored.use_cases().payments.pay_exam_fee.terms
        )
        work.accounts.save(account)
        work.record(*account.events)
        await work.commit()

    assert order.amount == Money(60_000, "INR")
    assert [each.rule for each in await post(stored)] == ["once"]


async def in_instalments(stored: Application) -> UUID:
    """Process a submitted fee of 500 and 300 rupees, a day apart."""
    schedule = replace(
        a_schedule("two-parts", amount=80_000),
        closes=Deadlines(submission=datetime(2026, 12, 1), payment=datetime(2027, 1, 1)),  # noqa: DTZ001 - local time
        instalments=(
            InstalmentShare(basis_points=6250, due=date(2026, 12, 30)), InstalmentShare(basis_points=3750),
        ),
        fines=(ONCE, DAILY),
    )  # fmt: skip
    await publish(stored, schedule)
    stored_schedule = await stored.fees.tariffs().current("two-parts")
    submission, event = a_submission(ids.new(), schedule="two-parts")
    quoted = stored_schedule.price(A_CANDIDATE, PaperSelection(papers=("041",)), NOON)
    event = replace(
        event, schedule_version=stored_schedule.version, total=quoted.total, lines=quoted.lines,
        pay_by=quoted.pay_by,
    )  # fmt: skip
    await when_fee_submitted([Received(a_message(subject=event.subject), event)], stored.use_cases())
    return UUID(str(submission.id))


async def test_instalments_are_stored_and_two_late_ones_are_fined_on_one_day(stored: Application) -> None:
    fee = await in_instalments(stored)
    show = stored.use_cases().payments.show_payments
    assert [(each.amount.minor, each.pay_by, each.owed.minor) for each in (await show(str(fee))).instalments] == [
        (50_000, datetime(2026, 12, 30, 18, 30, tzinfo=UTC), 50_000),
        (30_000, datetime(2026, 12, 31, 18, 30, tzinfo=UTC), 30_000),
    ]

    fine = replace(
        stored.use_cases().payments.fine_overdue_fees, clock=StoppedClock(datetime(2027, 1, 4, 18, 30, tzinfo=UTC))
    )
    assert [await fine(), await fine()] == [1 + 3 + 1 + 3, 0]

    shown = await show(str(fee))
    assert [each.fined.minor for each in shown.instalments] == [10_250, 10_250]
    assert sum(each.owed.minor for each in shown.instalments) == shown.due.minor
    assert sorted(each.instalment for each in await post(stored)) == [1] * 4 + [2] * 4
    assert (await show(str(fee))).owed.minor == shown.due.minor


async def test_each_instalment_has_its_own_reminders_with_what_is_owed_until_it(stored: Application) -> None:
    fee = await in_instalments(stored)

    _, told = await reminded(stored, datetime(2027, 2, 1, tzinfo=UTC))

    assert [(each.instalment, each.reminder, each.pay_by.day) for each in told] == [
        (1, "overdue-7", 30), (2, "overdue-7", 31),
    ]  # fmt: skip
    notices = [reminder(each) for each in told]
    assert len({each.notice for each in notices}) == 2
    facts = stored.vendors.late_facts()
    words = [await facts.of(a_delivery(template=each.template, facts=dict(each.facts))) for each in notices]
    assert [each["owed"]["minor"] for each in words] == [50_000, 80_000]
    assert all(each.facts[OWED_FEE] == str(fee) for each in notices)
