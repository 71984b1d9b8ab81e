"""The contract of the ledger, for every kind of persistence."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DBAPIError

from adapters.sql.ledger.tables import daily_sums, ledger_transactions, postings, unsummed_postings
from config.container import Application
from core.fees import names
from core.kernel.authorization import acting_as, current_principal
from core.kernel.errors import Conflict, Invalid
from core.kernel.money import Money
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.charge import ChargedHead, charge
from core.ledger.show_statement import UnknownStatement
from core.ledger.transaction import LedgerTransaction, PostedDifferently
from core.ledger.use_cases import LedgerUseCases
from core.ledger.verify_ledger import LedgerVerification
from core.payments.open_fee_accounts import ChargedFee
from tests.examples import NOON, a_student, a_submission, ids
from tests.units_of_work import any_work

INCOME, CONCESSION = "income:examination", "concession:concession"
FILES = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
"""Other programs reach these, and not the memory of this one."""


@pytest.fixture
def ledger(stored: Application) -> LedgerUseCases:
    return stored.use_cases().ledger


def a_charge(
    minor: int = 50_000, *, student: UUID | None = None, at: datetime = NOON, off: int = 0, currency: str = "INR"
) -> LedgerTransaction:
    heads = [ChargedHead("examination", Money(minor, currency)), ChargedHead("concession", Money(-off, currency))]
    made = charge(ids.new(), student or ids.new(), heads, at)
    assert made is not None
    return made


def candidate(transaction: LedgerTransaction) -> str:
    return str(next(each.debit for each in transaction.postings if each.debit.kind is AccountKind.CANDIDATE))


async def balance(ledger: LedgerUseCases, account: str, as_of: datetime | None = None) -> Sequence[Money]:
    return (await ledger.show_balance(account, as_of)).balances


async def verified(ledger: LedgerUseCases) -> LedgerVerification:
    return await ledger.verify_ledger(lambda _: None)


async def test_a_charge_is_what_the_candidate_owes(ledger: LedgerUseCases) -> None:
    charged = a_charge(50_000, off=20_000)

    assert await ledger.post_transactions([charged]) == 1

    assert await balance(ledger, candidate(charged)) == [Money(30_000, "INR")]
    assert await balance(ledger, INCOME) == [Money(-50_000, "INR")]
    assert await balance(ledger, CONCESSION) == [Money(20_000, "INR")]
    assert (await ledger.show_statement(charged.about)).transactions == [charged]


async def test_a_fact_is_posted_once(ledger: LedgerUseCases) -> None:
    charged = a_charge()

    assert await ledger.post_transactions([charged, charged]) == 1
    assert await ledger.post_transactions([charged]) == 0

    assert await balance(ledger, INCOME) == [Money(-50_000, "INR")]


async def test_a_fact_is_not_posted_with_two_amounts(ledger: LedgerUseCases) -> None:
    charged = a_charge()
    await ledger.post_transactions([charged])
    [posting] = charged.postings
    other = LedgerTransaction(
        kind=charged.kind,
        cause=charged.cause,
        about=charged.about,
        at=charged.at,
        postings=(type(posting)(posting.debit, posting.credit, Money(1, "INR")),),
    )

    with pytest.raises(PostedDifferently):
        await ledger.post_transactions([a_charge(), other])

    assert await balance(ledger, INCOME) == [Money(-50_000, "INR")]


async def test_concurrent_posts_of_a_fact_leave_one(ledger: LedgerUseCases) -> None:
    charged = a_charge()

    outcomes = await asyncio.gather(*(ledger.post_transactions([charged]) for _ in range(10)), return_exceptions=True)

    assert outcomes.count(1) == 1
    assert all(each in (0, 1) or isinstance(each, Conflict) for each in outcomes)
    assert await balance(ledger, INCOME) == [Money(-50_000, "INR")]
    assert (await verified(ledger)).disagreement == ""


async def test_each_currency_has_its_own_balance(ledger: LedgerUseCases) -> None:
    await ledger.post_transactions([a_charge(150_000), a_charge(1_500, currency="KWD"), a_charge(1, currency="KWD")])

    assert await balance(ledger, INCOME) == [Money(-150_000, "INR"), Money(-1_501, "KWD")]


async def test_a_balance_stays_the_same_while_postings_are_added_up(ledger: LedgerUseCases) -> None:
    await ledger.post_transactions([a_charge() for _ in range(40)])
    told = await balance(ledger, INCOME)

    async def add_up(times: int) -> None:
        for _ in range(times):
            await ledger.add_up_postings()
            await ledger.post_transactions([a_charge()])

    adding = asyncio.gather(add_up(10), add_up(10))
    least = -told[0].minor
    while not adding.done():
        [now] = await balance(ledger, INCOME)
        assert -now.minor >= least
        assert now.minor % 50_000 == 0
        least = -now.minor
        await asyncio.sleep(0)  # memory answers without letting another task run
    await adding
    await ledger.add_up_postings()

    assert await balance(ledger, INCOME) == [Money(-60 * 50_000, "INR")]
    assert (await verified(ledger)).disagreement == ""


@pytest.mark.parametrize("added_up", [False, True], ids=["as posted", "added up"])
async def test_a_past_balance_is_that_of_what_had_happened(ledger: LedgerUseCases, *, added_up: bool) -> None:
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    just_before, morning = midnight - timedelta(microseconds=1), midnight + timedelta(hours=5)
    moments = (midnight - timedelta(days=40), just_before, midnight, morning)
    student = ids.new()
    await ledger.post_transactions([a_charge(10**place, student=student, at=at) for place, at in enumerate(moments)])
    if added_up:
        await ledger.add_up_postings()

    for account, sign in ((f"candidate:{student}", 1), (INCOME, -1)):
        told = {moment: await balance(ledger, account, moment) for moment in (*moments, midnight + timedelta(hours=6))}
        assert [sum(each.minor for each in balances) * sign for balances in told.values()] == [0, 1, 11, 111, 1_111]


async def test_an_account_without_postings_has_no_balance(ledger: LedgerUseCases) -> None:
    assert await balance(ledger, f"candidate:{ids.new()}") == []
    assert (await ledger.show_statement(ids.new())).transactions == []


NO_ACCOUNTS = ["", "income", "income:", "cash:examination", "income:A", "income:a\n", "income:" + "a" * 41]


@pytest.mark.parametrize("account", NO_ACCOUNTS)
async def test_what_is_no_account_is_said_to_be(ledger: LedgerUseCases, account: str) -> None:
    with pytest.raises(Invalid, match="account"):
        await ledger.show_balance(account)


async def test_a_statement_has_the_transactions_in_the_order_they_happened(ledger: LedgerUseCases) -> None:
    charged, other = a_charge(), a_charge()

    await ledger.post_transactions([charged, other])

    assert (await ledger.show_statement(charged.about)).transactions == [charged]


async def test_an_intact_ledger_is_verified(ledger: LedgerUseCases) -> None:
    await ledger.post_transactions([a_charge(off=1) for _ in range(10)])
    await ledger.add_up_postings()
    await ledger.post_transactions([a_charge(off=2)])

    result = await verified(ledger)

    assert (result.transactions, result.postings, result.disagreement) == (11, 22, "")


async def test_a_fee_that_is_not_charged_is_counted(stored: Application) -> None:
    ledger, (submission, event) = stored.use_cases().ledger, a_submission()
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()

    before = await verified(ledger)
    made = charge(submission.id, submission.student, [ChargedHead("examination", event.total)], event.at)
    await ledger.post_transactions([made] if made else [])

    assert (before.unposted, (await verified(ledger)).unposted, before.disagreement) == (1, 0, "")


async def test_a_charge_that_is_not_the_price_of_its_fee_is_named(stored: Application) -> None:
    ledger, (submission, event) = stored.use_cases().ledger, a_submission()
    made = charge(submission.id, submission.student, [ChargedHead("examination", Money(49_999, "INR"))], event.at)
    async with any_work(stored) as work:
        work.submissions.add(submission)
        await work.commit()
    await ledger.post_transactions([made] if made else [])

    told = f"the fee {submission.id} is of 50000, and its candidate's postings sum to 49999"
    assert (await verified(ledger)).disagreement == told


def changed_amount(posted: LedgerTransaction) -> object:
    return update(postings).where(postings.c.cause_id == posted.cause).values(amount_minor=1)


def changed_account(posted: LedgerTransaction) -> object:
    return update(postings).where(postings.c.cause_id == posted.cause).values(credit="income:other")


def lost_posting(posted: LedgerTransaction) -> object:
    return delete(postings).where(postings.c.cause_id == posted.cause)


def lost_transaction(posted: LedgerTransaction) -> object:
    return delete(ledger_transactions).where(ledger_transactions.c.cause_id == posted.cause)


def changed_sum(_: LedgerTransaction) -> object:
    return update(daily_sums).values(sum_minor=daily_sums.c.sum_minor - 1)


def lost_unsummed(_: LedgerTransaction) -> object:
    return delete(unsummed_postings)


@FILES
@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (changed_amount, "the charge of {} has other postings"),
        (lost_posting, "the charge of {} has other postings"),
        (lost_transaction, "3 postings are stored for the transactions after"),
        (changed_account, "the balance of income:examination reads -150000 INR, and its postings sum to -100000"),
        (changed_sum, "the balance of income:examination reads -150001 INR, and its postings sum to -150000"),
        (lost_unsummed, "the balance of income:examination reads -100000 INR, and its postings sum to -150000"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
async def test_the_first_disagreement_is_named(stored: Application, tamper: object, told: str) -> None:
    ledger = stored.use_cases().ledger
    first, second, third = a_charge(), a_charge(), a_charge()
    await ledger.post_transactions([first, second])
    await ledger.add_up_postings()
    await ledger.post_transactions([third])

    async with stored.storage.database().autocommit() as connection:
        await connection.execute(tamper(second))  # type: ignore[operator]

    assert (await verified(ledger)).disagreement.startswith(told.format(second.cause))


@FILES
@pytest.mark.parametrize("wrong", [{"amount_minor": 0}, {"amount_minor": -1}, {"debit": INCOME}])
async def test_the_database_refuses_a_posting_that_is_none(stored: Application, wrong: dict[str, object]) -> None:
    ledger = stored.use_cases().ledger
    await ledger.post_transactions([a_charge()])

    async with stored.storage.database().autocommit() as connection:
        with pytest.raises(DBAPIError):
            await connection.execute(update(postings).values(**wrong))

    assert (await verified(ledger)).disagreement == ""


async def test_a_fee_without_a_price_charges_nothing() -> None:
    assert charge(ids.new(), ids.new(), [ChargedHead("examination", Money(0, "INR"))], NOON) is None


def test_accounts_are_read_as_they_are_written() -> None:
    account = LedgerAccount(AccountKind.INCOME, "late-fee")

    assert LedgerAccount.parse(str(account)) == account


@pytest.mark.parametrize("head", ["-", "-late", "2", "a" * 32])
def test_every_head_that_a_schedule_may_have_can_be_charged(head: str) -> None:
    assert names.is_name(head)

    charged = charge(ids.new(), ids.new(), [ChargedHead(head, Money(1, "INR"))], NOON)

    assert charged is not None
    assert LedgerAccount.parse(f"income:{head}") == charged.postings[0].credit


async def test_a_statement_is_shown_to_who_reaches_its_fee(stored: Application) -> None:
    student = a_student()
    async with any_work(stored) as work:
        work.students.add(student)
        await work.commit()
    fee = ChargedFee(
        submission=ids.new(),
        student=student.id,
        reference=f"BF-{ids.new().hex[-12:]}".upper(),
        schedule="S",
        total=Money(50_000, "INR"),
        pay_by=None,
        at=NOON,
    )
    made = charge(fee.submission, student.id, [ChargedHead("examination", fee.total)], NOON)
    assert made is not None
    ledger, office = stored.use_cases().ledger, current_principal.get()
    await stored.use_cases().payments.open_fee_accounts([fee])
    await ledger.post_transactions([made])

    centre = student.enrolment.centre
    for reader in (office, replace(office, student=student.id), replace(office, centre=centre)):
        with acting_as(reader):
            assert (await ledger.show_statement(fee.submission)).transactions == [made]
    for stranger in (replace(office, student=ids.new()), replace(office, centre=f"{centre}-2")):
        for submission in (fee.submission, ids.new()):
            with acting_as(stranger), pytest.raises(UnknownStatement):
                await ledger.show_statement(submission)
