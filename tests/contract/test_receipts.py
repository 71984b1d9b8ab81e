"""The contract of receipts, for every kind of persistence."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from config.container import Application
from core.audit.ports import AuditFilter
from core.kernel.decisions import Decision
from core.kernel.errors import Conflict, Unavailable
from core.kernel.money import Money
from core.receipts.receipt import IssuedReceipt, ReceiptVoided, ReceivedPayment, UnknownReceipt
from core.receipts.receipt_search import ReceiptSearch
from core.receipts.use_cases import ReceiptsUseCases
from tests.examples import NOON, a_message, ids

DECISION = Decision(who="Meera", why="printed twice")
YEAR = "2026-27"


@pytest.fixture
def receipts(stored: Application) -> ReceiptsUseCases:
    return stored.use_cases().receipts


def a_payment(**changes: Any) -> ReceivedPayment:
    given = {
        "payment": ids.new(),
        "submission": ids.new(),
        "student": ids.new(),
        "reference": "BF-7K3M-9QZ4-XA2B-C",
        "schedule": "neet-ug-2027",
        "amount": Money(150_000, "INR"),
        "method": "upi",
        "paid_at": NOON,
    }
    return ReceivedPayment(**(given | changes))


async def all_receipts(receipts: ReceiptsUseCases, year: str = YEAR) -> Sequence[IssuedReceipt]:
    return await receipts.list_receipts(before=f"R-{year}-9999999999", limit=10_000)


async def numbers(receipts: ReceiptsUseCases, year: str = YEAR) -> Sequence[int]:
    return sorted(int(each.number.rpartition("-")[2]) for each in await all_receipts(receipts, year))


def gapless(count: int) -> Sequence[int]:
    return list(range(1, count + 1))


async def test_a_receipt_tells_what_was_paid(receipts: ReceiptsUseCases) -> None:
    paid = a_payment()

    assert await receipts.issue_receipts([paid]) == 1

    receipt = await receipts.show_receipt(f"R-{YEAR}-000001")
    assert [receipt] == await receipts.list_receipts(ReceiptSearch(submission=paid.submission))
    for name in ReceivedPayment.__dataclass_fields__.keys() - {"restores"}:
        assert getattr(receipt, name) == getattr(paid, name)
    assert (receipt.issuer, receipt.zone, receipt.void) == ("Examination Fee Office", "Asia/Kolkata", None)
    assert len(receipt.code) == 22


async def test_a_payment_gets_one_receipt(receipts: ReceiptsUseCases) -> None:
    first, second = a_payment(), a_payment()

    assert await receipts.issue_receipts([first, second, first]) == 2
    assert await receipts.issue_receipts([second, first]) == 0
    assert await receipts.issue_receipts([second, a_payment()]) == 1

    assert await numbers(receipts) == gapless(3)


@pytest.mark.parametrize(
    ("paid_at", "year"),
    [
        (datetime(2027, 3, 31, 18, 29, 59, tzinfo=UTC), "2026-27"),
        (datetime(2027, 3, 31, 18, 30, tzinfo=UTC), "2027-28"),
        (datetime(2099, 12, 31, tzinfo=UTC), "2099-00"),
    ],
)
async def test_the_year_is_that_of_the_payment_in_the_zone_of_the_office(
    receipts: ReceiptsUseCases, paid_at: datetime, year: str
) -> None:
    await receipts.issue_receipts([a_payment(paid_at=paid_at)])

    assert (await receipts.show_receipt(f"R-{year}-000001")).paid_at == paid_at


async def test_each_year_counts_from_one(receipts: ReceiptsUseCases) -> None:
    days = [timedelta(days=days) for days in (0, 365, 1, 366, 2)]

    await receipts.issue_receipts([a_payment(paid_at=NOON + later) for later in days])

    assert (await numbers(receipts), await numbers(receipts, "2027-28")) == (gapless(3), gapless(2))


async def test_what_is_rolled_back_leaves_no_gap(stored: Application) -> None:
    use_cases = stored.use_cases()
    for commits in (True, False, True):
        async with stored.messaging.new_inbox() as inbox:
            await inbox.deduplicate(a_message(), a_message())
            await use_cases.within(inbox).receipts.issue_receipts([a_payment(), a_payment()])
            if commits:
                await inbox.commit()

    assert await numbers(use_cases.receipts) == gapless(4)


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
@pytest.mark.parametrize("messages", [1, 3], ids=["single", "batch"])
async def test_numbers_are_drawn_at_the_end_of_a_joined_transaction(stored: Application, messages: int) -> None:
    use_cases = stored.use_cases()

    async with stored.messaging.new_inbox() as inbox:
        await inbox.deduplicate(*(a_message() for _ in range(messages)))
        joined = use_cases.within(inbox).receipts
        await joined.issue_receipts([a_payment()])
        await joined.void_receipts({ids.new(): "a use case that reads, after which buffered rows are inserted"})
        await use_cases.receipts.issue_receipts([a_payment()])  # waits for no counter that the other one holds
        await inbox.commit()

    assert await numbers(use_cases.receipts) == gapless(2)


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_concurrent_batches_get_all_numbers_once(stored: Application) -> None:
    issue = stored.use_cases().receipts.issue_receipts
    years = [NOON, NOON + timedelta(days=365)]

    async def consumer(batches: int) -> None:
        for number in range(batches):
            batch = [a_payment(paid_at=years[(number + place) % 2]) for place in range(8)]
            while True:
                try:
                    await issue(batch)
                except Unavailable:  # what a consumer does: the messages are delivered again
                    continue
                break

    await asyncio.gather(*(consumer(10) for _ in range(4)))

    receipts = stored.use_cases().receipts
    assert (await numbers(receipts), await numbers(receipts, "2027-28")) == (gapless(160), gapless(160))


async def test_concurrent_issues_for_one_payment_leave_one_receipt(receipts: ReceiptsUseCases) -> None:
    paid = a_payment()

    outcomes = await asyncio.gather(*(receipts.issue_receipts([paid]) for _ in range(6)), return_exceptions=True)

    assert outcomes.count(1) == 1
    assert all(each in (0, 1) or isinstance(each, Unavailable | Conflict) for each in outcomes)
    await receipts.issue_receipts([a_payment()])
    assert await numbers(receipts) == gapless(2)


async def test_a_void_receipt_keeps_its_number(receipts: ReceiptsUseCases) -> None:
    paid = a_payment()
    await receipts.issue_receipts([paid, a_payment()])
    number = f"R-{YEAR}-000001"

    voided = await receipts.void_receipt(number, DECISION)

    shown = await receipts.show_receipt(number)
    assert shown == voided
    assert shown.void
    assert shown.void.reason == DECISION.why
    assert await receipts.issue_receipts([paid]) == 0
    with pytest.raises(ReceiptVoided):
        await receipts.void_receipt(number, DECISION)
    await receipts.issue_receipts([a_payment()])
    assert await numbers(receipts) == gapless(3)


async def test_a_void_is_audited(stored: Application) -> None:
    await stored.use_cases().receipts.issue_receipts([a_payment()])
    await stored.use_cases().receipts.void_receipt(f"R-{YEAR}-000001", DECISION)

    which = AuditFilter(action="void-receipt")
    [record] = (await stored.use_cases().audit.list_audit_records(which, None, 10)).items
    assert (record.target, record.reason) == (f"receipt/R-{YEAR}-000001", DECISION.why)


async def test_a_reversed_payment_voids_its_receipt_once(stored: Application) -> None:
    use_cases, paid = stored.use_cases(), a_payment()
    async with stored.messaging.new_inbox() as inbox:  # both events in one batch: the receipt has no number yet
        await inbox.deduplicate(a_message(), a_message())
        joined = use_cases.within(inbox).receipts
        await joined.issue_receipts([paid])
        await joined.void_receipts({paid.payment: "chargeback"})
        await joined.void_receipts({paid.payment: "told again"})
        await inbox.commit()
    await use_cases.receipts.void_receipts({paid.payment: "told once more"})

    [receipt] = await all_receipts(use_cases.receipts)
    assert receipt.void
    assert receipt.void.reason == "chargeback"


@pytest.mark.parametrize(
    "number", ["", "R", "R-2026-27-1", "r-2026-27-000001", "R-2026-27-000009", "R-2026-27-000001\n"]
)
async def test_an_unknown_receipt_is_not_found(receipts: ReceiptsUseCases, number: str) -> None:
    await receipts.issue_receipts([a_payment()])

    with pytest.raises(UnknownReceipt):
        await receipts.show_receipt(number)
    with pytest.raises(UnknownReceipt):
        await receipts.void_receipt(number, DECISION)


async def test_receipts_are_listed_from_the_newest(receipts: ReceiptsUseCases) -> None:
    await receipts.issue_receipts([a_payment(paid_at=datetime.now(UTC)) for _ in range(3)])

    newest = await receipts.list_receipts(limit=2)
    rest = await receipts.list_receipts(before=newest[-1].number, limit=2)

    assert [each.number[-1] for each in (*newest, *rest)] == ["3", "2", "1"]
    assert await receipts.list_receipts(ReceiptSearch(submission=UUID(int=1))) == []


async def test_receipts_are_found_by_what_they_have_in_common(receipts: ReceiptsUseCases) -> None:
    student, fee = ids.new(), ids.new()
    for place in range(6):
        paid = {"schedule": f"schedule-{place % 2}", "student": student if place in (1, 4) else ids.new()}
        await receipts.issue_receipts([a_payment(**paid, submission=fee if place in (2, 4) else ids.new())])
    await receipts.issue_receipts([a_payment(student=student, submission=fee, paid_at=NOON - timedelta(days=365))])

    async def found(**wanted: Any) -> list[str]:
        before = wanted.pop("before", None)
        listed = await receipts.list_receipts(ReceiptSearch(**wanted), before=before)
        return [each.number.removeprefix("R-").replace("-00000", " ") for each in listed]

    of_year = [f"{YEAR} {number}" for number in (6, 5, 4, 3, 2, 1)]
    assert await found(year=YEAR) == of_year
    assert await found(before=f"R-{YEAR}-000004") == of_year[3:]
    assert await found(year=YEAR, first=2, last=5) == of_year[1:5]
    assert await found(year=YEAR, first=2, last=5, before=f"R-{YEAR}-000004") == of_year[3:5]
    assert await found(year=YEAR, schedule="schedule-1") == of_year[::2]
    assert await found(year=YEAR, series="X") == await found(year="1999") == []
    assert await found(student=student) == [of_year[1], of_year[4], "2025-26 1"]
    assert await found(submission=fee) == [of_year[1], of_year[3], "2025-26 1"]
    assert await found(submission=fee, student=student) == [of_year[1], "2025-26 1"]
    assert await found(submission=fee, before=f"R-{YEAR}-000005") == [of_year[3], "2025-26 1"]
    assert await found(submission=fee, year="2025-26") == ["2025-26 1"]


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_a_lock_on_the_counter_delays_a_batch_and_loses_nothing(stored: Application) -> None:
    receipts = stored.use_cases().receipts
    await receipts.issue_receipts([a_payment()])
    paid = [a_payment(), a_payment()]

    async with stored.storage.database().transaction() as (connection, transaction):
        await connection.execute(text("UPDATE receipt_counters SET last_number = last_number + 1"))
        with pytest.raises(Unavailable):
            await receipts.issue_receipts(paid)
        await transaction.rollback()

    assert await receipts.issue_receipts(paid) == 2
    assert await numbers(receipts) == gapless(3)


ISSUERS = 16


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
@pytest.mark.parametrize("cut", [0.0, 0.3], ids=["undisturbed", "cut off"])
@pytest.mark.parametrize("seed", range(3))
async def test_sixteen_issuers_leave_no_gap(stored: Application, seed: int, cut: float) -> None:
    """They issue and make void in any order; undisturbed ones meet no lock, and others issue again what was cut off."""
    receipts, chance = stored.use_cases().receipts, random.Random(seed)
    voided = set[UUID]()

    async def repeated(work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
                return
            except Unavailable:  # a transaction that was cut off keeps its locks for a moment
                assert cut

    async def void(batch: Sequence[ReceivedPayment]) -> None:
        taken_back = chance.choice(batch).payment
        voided.add(taken_back)
        await repeated(partial(receipts.void_receipts, {taken_back: "chargeback"}))

    async def issue(batches: Sequence[Sequence[ReceivedPayment]]) -> None:
        for batch in batches:
            issuing = asyncio.create_task(receipts.issue_receipts(batch))
            if chance.random() < cut:
                await asyncio.sleep(chance.random() / 20)
                issuing.cancel()
            elif chance.random() < 0.3:
                await void(batch)
            with suppress(asyncio.CancelledError, *[Unavailable] * bool(cut)):
                await issuing
            await repeated(partial(receipts.issue_receipts, batch))
            if chance.random() < 0.2:
                await void(batch)

    payments = [[[a_payment() for _ in range(chance.choice([1, 2, 9]))] for _ in range(4)] for _ in range(ISSUERS)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(issue(batches) for batches in payments))

    issued = await all_receipts(receipts)
    assert sorted(each.payment for each in issued) == sorted(
        paid.payment for batches in payments for batch in batches for paid in batch
    )
    assert sorted(int(each.number[-6:]) for each in issued) == gapless(len(issued))
    assert {each.payment for each in issued if each.void} == voided
