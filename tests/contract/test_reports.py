"""The contract of reports, for every kind of persistence: each equals the postings, added up another way."""

import csv
import io
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from core.kernel.errors import Unavailable, Unprocessable
from core.kernel.money import Money
from core.kernel.report import Report, report_csv
from core.ledger.account import LedgerAccount
from core.ledger.charge import ChargedHead, charge
from core.ledger.reports.write_collection import FIGURES
from core.ledger.transaction import DEBTS, LedgerTransaction, Posting, TransactionKind
from core.payments.errors import NoFeesCharged
from core.payments.fee_account import FeeAccount
from core.payments.instalment import Instalment
from core.payments.open_fee_accounts import ChargedFee
from core.payments.order import OrderState, OrderTerms
from tests.examples import NOON, a_student, enrol, ids

DAY = NOON.date()
"""In the zone of the office, as in UTC."""
BEGIN = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) - timedelta(hours=5, minutes=30)
CENTRES = ("C-1", "C-2", "C-1")
SCHEDULE = "s-reports"


def account(text: str) -> LedgerAccount:
    return LedgerAccount.parse(text)


class Office:
    """Fees of three candidates at two centres, and what is posted about them."""

    def __init__(self, stored: Application) -> None:
        self.use_cases, self.posted = stored.use_cases(), list[LedgerTransaction]()
        self.stored = stored
        self.accounts: list[FeeAccount] = []

    async def charge(self, *heads: dict[str, int], at: datetime = NOON, schedule: str = SCHEDULE) -> None:
        students = [a_student(number, centre=CENTRES[number % 3]) for number in range(len(heads))]
        await enrol(self.stored, *students)
        fees = [
            ChargedFee(
                submission=ids.new(), student=each.id, reference=f"BF-{each.id.hex[-12:].upper()}", schedule=schedule,
                total=Money(sum(some.values()), "INR"), pay_by=NOON + timedelta(hours=1), at=at,
            )
            for each, some in zip(students, heads, strict=True)
        ]  # fmt: skip
        await self.use_cases.payments.open_fee_accounts(fees)
        self.accounts += [each.account() for each in fees]
        for fee, some in zip(fees, heads, strict=True):
            lines = [ChargedHead(head, Money(minor, "INR")) for head, minor in some.items()]
            await self.post(charge(fee.submission, fee.student, lines, at))

    async def post(self, transaction: LedgerTransaction | None) -> None:
        assert transaction is not None
        self.posted.append(transaction)
        await self.use_cases.ledger.post_transactions([transaction])

    async def move(
        self, number: int, kind: TransactionKind, other: str, minor: int, at: datetime, *, owes_more: bool = False
    ) -> UUID:
        fee, cause = self.accounts[number], ids.new()
        sides = account(f"candidate:{fee.student}"), account(other)
        debit, credit = sides if owes_more else sides[::-1]
        postings = (Posting(debit, credit, Money(minor, "INR")),)
        await self.post(LedgerTransaction(kind=kind, cause=cause, about=fee.submission, at=at, postings=postings))
        return cause

    async def clear(self, number: int) -> None:
        async with self.stored.payments.new_work() as work:
            fee = self.accounts[number].submission
            account = (await work.accounts.lock([fee]))[fee]
            account.cleared = True
            work.accounts.save(account)
            await work.commit()

    def balance(self, name: str, before: datetime) -> int:
        """Add up an account from what the test has posted."""
        return sum(each.effect_on(account(name)).minor for each in self.posted if each.at < before)

    def owed(self, number: int, before: datetime) -> int:
        fee = self.accounts[number]
        about = [each for each in self.posted if each.about == fee.submission and each.at < before]
        return sum(each.effect_on(account(f"candidate:{fee.student}")).minor for each in about)


@pytest.fixture
async def office(stored: Application) -> Office:
    """Charge three candidates before the day, and let everything happen to them around its midnights."""
    made = Office(stored)
    early, morning, evening = BEGIN - timedelta(microseconds=1), BEGIN, BEGIN + timedelta(days=1, microseconds=-1)
    later = BEGIN + timedelta(days=1)
    await made.charge(
        {"examination": 100_000, "practical": 50_001, "concession": -30_000},
        {"examination": 100_000},
        {"examination": 100_000, "practical": 7},
        at=BEGIN - timedelta(days=3),
    )
    await made.move(0, TransactionKind.PAYMENT, "clearing:razorpay", 20_000, early)
    await made.move(0, TransactionKind.PAYMENT, "clearing:razorpay", 100_000, morning)
    await made.move(0, TransactionKind.REFUND, "clearing:razorpay", 777, evening, owes_more=True)
    await made.move(1, TransactionKind.FINE, "income:late-fine", 5_000, morning, owes_more=True)
    await made.move(1, TransactionKind.PAYMENT, "clearing:counter", 105_000, evening)
    await made.move(1, TransactionKind.WITHDRAWAL, "income:late-fine", 5_000, later)
    await made.move(2, TransactionKind.WAIVER, "waiver:examination", 40_000, evening)
    await made.move(2, TransactionKind.PAYMENT, "clearing:stripe", 60_007, later)
    await made.clear(2)
    settled = Posting(account("bank:razorpay"), account("clearing:razorpay"), Money(99_000, "INR"))
    event = ids.new()
    await made.post(
        LedgerTransaction(kind=TransactionKind.SETTLEMENT, cause=event, about=event, at=evening, postings=(settled,))
    )
    return made


async def rows_of(report: Report[Any]) -> list[Any]:
    async with aclosing(report.pages) as pages:
        return [row async for page in pages for row in page]


def totals(rows: Sequence[Any], *lines: str) -> dict[str, int]:
    """Add up the lines of a day book by account."""
    found = defaultdict[str, int](int)
    for row in [each for each in rows if each.line in lines]:
        for name, sign in ((row.debit, 1), (row.credit, -1)):
            if name and not name.startswith("candidate:"):
                found[name] += sign * row.amount
    return dict(found)


@pytest.mark.parametrize("added_up", [False, True], ids=["as posted", "added up"])
async def test_a_day_book_leads_from_the_balances_before_a_day_to_those_after_it(
    office: Office, monkeypatch: pytest.MonkeyPatch, *, added_up: bool
) -> None:
    monkeypatch.setattr("adapters.sql.reports.ledger.TRANSACTIONS_PER_PAGE", 2)
    if added_up:
        await office.use_cases.ledger.add_up_postings()

    rows = await rows_of(await office.use_cases.ledger.write_day_book(DAY))

    of_day = [each for each in office.posted if BEGIN <= each.at < BEGIN + timedelta(days=1)]
    told = [(row.at, row.transaction, row.amount) for row in rows if row.line == "posting"]
    assert sorted(told) == sorted((each.at, str(each.kind), each.postings[0].amount.minor) for each in of_day)
    assert [at for at, *_ in told] == sorted(at for at, *_ in told)
    names = {row.debit or row.credit for row in rows if row.line == "closing"}
    assert {"income:examination", "clearing:razorpay", "clearing:counter", "bank:razorpay"} < names
    opening, closing = totals(rows, "opening"), totals(rows, "closing")
    assert opening == {name: office.balance(name, BEGIN) for name in opening}
    assert closing == {name: office.balance(name, BEGIN + timedelta(days=1)) for name in names}
    assert closing == totals(rows, "opening", "posting")


async def test_a_payment_is_in_the_day_book_with_its_fee(office: Office) -> None:
    rows = await rows_of(await office.use_cases.ledger.write_day_book(DAY))

    [cash] = [row for row in rows if row.debit == "clearing:counter" and row.line == "posting"]
    assert (cash.fee, cash.credit) == (office.accounts[1].reference, f"candidate:{office.accounts[1].student}")


async def test_a_day_without_postings_has_the_same_balances_twice(office: Office) -> None:
    rows = await rows_of(await office.use_cases.ledger.write_day_book(DAY - timedelta(days=2)))
    empty = await rows_of(await office.use_cases.ledger.write_day_book(date(2001, 1, 1)))

    assert {row.line for row in rows} == {"opening", "closing"}
    assert totals(rows, "opening") == totals(rows, "closing")
    assert empty == []


async def test_what_is_collected_by_head_sums_to_what_was_posted(office: Office) -> None:
    ledger = office.use_cases.ledger
    rows = await rows_of(await ledger.write_collection(DAY - timedelta(days=9), DAY + timedelta(days=1), SCHEDULE))
    end = BEGIN + timedelta(days=2)

    sums = {name: sum(getattr(row, name) for row in rows) for name in rows[0]._fields[5:]}
    assert sums["charged"] == 450_008 - 30_000 - 100_000
    assert sums["fined"] == -office.balance("income:late-fine", end) == 0
    assert sums["waived"] == office.balance("waiver:examination", end) == 40_000
    assert sums["at_counter"] == office.balance("clearing:counter", end) == 105_000
    assert sums["by_gateways"] == 20_000 + 100_000 + 60_007
    assert sums["refunded"] == 777
    assert sums["net"] == sums["by_gateways"] + sums["at_counter"] - 777
    by_head = {row.head: row for row in rows}
    assert by_head["concession"].charged == -30_000
    assert by_head["late-fine"].at_counter == 5_000
    assert by_head["practical"].by_gateways == 6_667 + 33_334 + 7
    assert {(row.first_day, row.last_day) for row in rows} == {(DAY - timedelta(days=9), DAY + timedelta(days=1))}


async def test_days_of_a_collection_are_those_of_the_office(office: Office) -> None:
    ledger = office.use_cases.ledger
    daily = await rows_of(await ledger.write_collection(DAY - timedelta(days=1), DAY + timedelta(days=1), daily=True))
    one = await rows_of(await ledger.write_collection(DAY, DAY))

    collected = defaultdict[date, int](int)
    for row in daily:
        collected[row.first_day] += row.by_gateways + row.at_counter
    assert collected == {DAY - timedelta(days=1): 20_000, DAY: 205_000, DAY + timedelta(days=1): 60_007}
    assert [row for row in daily if row.first_day == DAY] == one
    assert await rows_of(await ledger.write_collection(DAY, DAY, "s-other")) == []


@pytest.mark.parametrize("later", [-2, -1, 0, 1])
async def test_dues_are_the_balances_of_their_postings_at_the_end_of_any_day(
    office: Office, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    monkeypatch.setattr("adapters.sql.reports.dues.FEES_PER_PAGE", 2)
    day, end = DAY + timedelta(days=later), BEGIN + timedelta(days=later + 1)

    rows = await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, day))
    centres = await rows_of(await office.use_cases.payments.write_dues_by_centre(SCHEDULE, day))

    found = {row.reference: row for row in rows}
    owed = {each.reference: office.owed(number, end) for number, each in enumerate(office.accounts)}
    assert {reference: row.owed for reference, row in found.items()} == owed
    assert all(row.owed == row.charged + row.fined - row.waived - row.received for row in rows)
    assert all(row.overdue == (max(row.owed, 0) if end > NOON + timedelta(hours=1) else 0) for row in rows)
    for centre in centres:
        there = [row for row in rows if row.centre == centre.centre]
        assert (centre.candidates, centre.owed) == (len(there), sum(row.owed for row in there))
        assert (centre.received, centre.overdue) == (sum(r.received for r in there), sum(r.overdue for r in there))
    assert [each.centre for each in centres] == ["C-1", "C-2"]


async def test_only_instalments_that_are_late_are_overdue(stored: Application) -> None:
    """A waiver lowers fines of its head first, and then the instalments that are due last."""
    student = a_student(1)
    await enrol(stored, student)
    deadlines = [BEGIN + timedelta(days=days) for days in (0, 1, 2)]
    fee = ChargedFee(
        submission=ids.new(), student=student.id, reference="BF-1", schedule=SCHEDULE, total=Money(1_000, "INR"),
        pay_by=deadlines[-1], at=BEGIN - timedelta(days=9),
        instalments=tuple(
            Instalment(amount=Money(minor, "INR"), pay_by=pay_by)
            for minor, pay_by in zip((500, 300, 200), deadlines, strict=True)
        ),
    )  # fmt: skip
    office = Office(stored)
    await office.use_cases.payments.open_fee_accounts([fee])
    office.accounts.append(fee.account())
    await office.post(charge(fee.submission, student.id, [ChargedHead("examination", fee.total)], fee.at))
    await office.move(0, TransactionKind.FINE, "income:late", 50, BEGIN + timedelta(hours=1), owes_more=True)
    await office.move(0, TransactionKind.WAIVER, "waiver:late", 80, BEGIN + timedelta(hours=2))
    await office.move(0, TransactionKind.PAYMENT, "clearing:counter", 100, BEGIN + timedelta(hours=3))

    overdue = [
        (await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY + timedelta(days=days))))[0].overdue
        for days in (-1, 0, 1)
    ]

    assert overdue == [500, 700, 870]


async def test_who_was_not_charged_by_a_day_is_not_on_its_list(office: Office) -> None:
    rows = await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY - timedelta(days=30)))

    assert rows == []


async def test_what_may_be_debited_is_pending_and_not_overdue(office: Office) -> None:
    async with office.stored.payments.new_work() as work:
        fee = office.accounts[2].submission
        found = (await work.accounts.lock([fee]))[fee]
        found.open_order(ids.new(), "sandbox", NOON, OrderTerms()).moves_to(OrderState.AUTHORISED)
        work.accounts.save(found)
        await work.commit()

    rows = {row.reference: row for row in await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY))}
    before = await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY - timedelta(days=1)))

    row = rows[office.accounts[2].reference]
    assert (row.owed, row.pending, row.overdue) == (60_007, 60_007, 0)
    assert {each.pending for each in before} == {0}


async def test_a_clerk_reads_the_dues_of_the_own_centre_and_no_ledger(office: Office) -> None:
    payments, ledger = office.use_cases.payments, office.use_cases.ledger
    clerk = Principal(subject="clerk", permissions=frozenset(Permission), centre="C-2")
    candidate = Principal(
        subject="candidate", permissions=frozenset({Permission.DUES_READ}), student=office.accounts[0].student
    )

    with acting_as(clerk):
        own = await rows_of(await payments.write_dues(SCHEDULE, DAY))
        named = await rows_of(await payments.write_dues(SCHEDULE, DAY, "C-2"))
        centres = await rows_of(await payments.write_dues_by_centre(SCHEDULE, DAY))
        with pytest.raises(NoFeesCharged):
            await rows_of(await payments.write_dues(SCHEDULE, DAY, "C-1"))
        for write in (ledger.write_day_book(DAY), ledger.write_collection(DAY, DAY)):
            with pytest.raises(NotPermitted):
                await write
    with acting_as(candidate):
        alone = await rows_of(await payments.write_dues(SCHEDULE, DAY))

    assert [row.reference for row in own] == [office.accounts[1].reference]
    assert named == own
    assert [each.centre for each in centres] == ["C-2"]
    assert [row.reference for row in alone] == [office.accounts[0].reference]


async def test_one_centre_is_on_a_list_of_its_own(office: Office) -> None:
    rows = await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY, "C-1"))

    assert {row.reference for row in rows} == {office.accounts[number].reference for number in (0, 2)}


@pytest.mark.parametrize(("schedule", "centre"), [("s-unknown", ""), (SCHEDULE, "C-9")])
async def test_dues_of_nothing_that_exists_are_refused(office: Office, schedule: str, centre: str) -> None:
    with pytest.raises(NoFeesCharged):
        await rows_of(await office.use_cases.payments.write_dues(schedule, DAY, centre))


async def test_a_day_that_has_not_begun_has_no_report(stored: Application) -> None:
    ledger, payments = stored.use_cases().ledger, stored.use_cases().payments
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)

    for write in (ledger.write_day_book(tomorrow), ledger.write_collection(DAY, tomorrow)):
        with pytest.raises(Unprocessable, match="has not begun in Asia/Kolkata"):
            await write
    with pytest.raises(Unprocessable, match="has not begun in Asia/Kolkata"):
        await payments.write_dues("s", tomorrow)
    with pytest.raises(Unprocessable, match="`to` is before `from`"):
        await ledger.write_collection(DAY, DAY - timedelta(days=1))


async def test_a_report_is_as_of_the_moment_when_it_begins(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.sql.reports.dues.FEES_PER_PAGE", 1)
    monkeypatch.setattr("adapters.sql.reports.ledger.TRANSACTIONS_PER_PAGE", 1)
    dues = await office.use_cases.payments.write_dues(SCHEDULE, DAY)
    day_book = await office.use_cases.ledger.write_day_book(DAY)
    first, _ = await anext(dues.pages), await anext(day_book.pages)
    if office.stored.settings().adapters.persistence != "memory":  # which makes one page
        await office.move(2, TransactionKind.PAYMENT, "clearing:stripe", 1, BEGIN + timedelta(hours=23))

    rows = {row.reference: row.owed for row in [*first, *await rows_of(dues)]}

    assert rows[office.accounts[2].reference] == 60_007
    assert "clearing:stripe" not in {row.debit for row in await rows_of(day_book)}


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_reports_of_slow_readers_leave_connections_for_the_others(office: Office) -> None:
    slow = [await office.use_cases.payments.write_dues(SCHEDULE, DAY) for _ in range(2)]

    for each in slow:
        await anext(each.pages)

    with pytest.raises(Unavailable):
        await rows_of(await office.use_cases.ledger.write_day_book(DAY))
    assert await office.use_cases.ledger.show_balance("income:examination")
    for each in slow:
        await each.pages.aclose()

    assert len(await rows_of(await office.use_cases.payments.write_dues(SCHEDULE, DAY))) == 3


def test_every_kind_of_transaction_has_its_place_in_reports() -> None:
    """A new kind would be counted as a payment by the dues, and unknown to the collection."""
    paid = {each for each in TransactionKind if each in ("payment", "refund", "reversal", "restoration")}

    assert paid | DEBTS | {TransactionKind.SETTLEMENT} == set(TransactionKind)
    assert not paid & DEBTS
    assert FIGURES.keys() == paid - {TransactionKind.PAYMENT} | DEBTS


async def test_csv_has_exact_major_units_and_guarded_texts(stored: Application) -> None:
    office = Office(stored)
    await office.charge({"examination": 100_005}, schedule="s-csv")
    await office.move(0, TransactionKind.PAYMENT, "clearing:stripe", 200_010, NOON)

    parts = report_csv(await office.use_cases.payments.write_dues("s-csv", DAY))
    [row] = csv.DictReader(io.StringIO(b"".join([part async for part in parts]).decode()))

    assert {name: Decimal(row[name]) for name in ("charged", "received", "owed")} == {
        "charged": Decimal("1000.05"),
        "received": Decimal("2000.10"),
        "owed": Decimal("-1000.05"),
    }
    assert row["owed"] == "-1000.05"
    assert row["pay_by"] == (NOON + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
