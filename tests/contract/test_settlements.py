"""The contract of settlement files, for every kind of persistence."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from config.container import Application
from core.kernel.authorization import Permission, Principal, acting_as
from core.kernel.money import Money
from core.payments.order import OrderTerms
from core.payments.payment import Refund, RefundCause, RefundStage, payment_id
from core.policies.when_settlement_posted import postings_of
from core.settlements import import_settlement
from core.settlements.errors import ExceptionSettled, UnknownException, UnreadableSettlement
from core.settlements.import_settlement import SettlementReport
from core.settlements.list_exceptions import ExceptionView
from core.settlements.mapping import Columns, Layout, LineKind, SettlementMapping
from core.settlements.settle_exception import ExceptionVerdict
from core.settlements.settlement_line import ExceptionKind, ExceptionState, SettlementPosted
from core.settlements.use_cases import SettlementsUseCases
from entrypoints.settlement_mappings import shipped_mapping
from entrypoints.strict_decoding import decode_event
from tests.contract.test_fee_accounts import a_payment, inr, opened, take
from tests.examples import NOON, ids, unpublished

RAZORPAY = (
    "transaction_entity", "entity_id", "amount", "currency", "fee (exclusive tax)", "tax", "debit", "credit",
    "payment_method", "order_id", "settlement_id", "settled_at", "settlement_utr",
)  # fmt: skip
SETTLED_AT = NOON + timedelta(days=2)


@pytest.fixture
def files(stored: Application) -> SettlementsUseCases:
    return stored.use_cases().settlements


async def chunks_of(*texts: str | bytes) -> AsyncIterator[bytes]:
    """Yield a file, of which each text is a chunk."""
    for each in texts:
        yield each.encode() if isinstance(each, str) else each


class File:
    """A settlement file of a gateway that no other test has."""

    def __init__(self) -> None:
        self.gateway = f"g-{ids.new().hex[-20:]}"
        self.mapping = replace(shipped_mapping("razorpay"), gateway=self.gateway, bank="test")
        self.rows: list[dict[str, str]] = []

    def line(self, name: str, minor: int, *, kind: str = "payment", fee: int = 200, order: str = "") -> None:
        major = f"{abs(minor) // 100}.{abs(minor) % 100:02}"
        net = minor - fee - 36
        self.rows.append({
            "transaction_entity": kind,
            "entity_id": name,
            "amount": major,
            "currency": "INR",
            "fee (exclusive tax)": f"{fee // 100}.{fee % 100:02}",
            "tax": "0.36",
            "debit": f"{-net / 100:.2f}" if net < 0 else "0.00",
            "credit": f"{net / 100:.2f}" if net > 0 else "0.00",
            "order_id": order,
            "settlement_id": "setl_1",
            "settled_at": SETTLED_AT.strftime("%d/%m/%Y %H:%M:%S"),
        })  # fmt: skip

    @property
    def text(self) -> str:
        out = io.StringIO()
        writer = csv.DictWriter(out, RAZORPAY, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        return out.getvalue()

    async def paid(self, stored: Application, minor: int = 50_000, at: datetime = NOON, order: str = "") -> str:
        """Capture a payment at this gateway, and return its id there."""
        fee, name = await opened(stored, minor), f"pay_{ids.new().hex}"
        payment = a_payment(minor, name)
        payment.id, payment.gateway, payment.paid_at = payment_id(self.gateway, name), self.gateway, at
        if order:
            async with stored.payments.new_work() as work:
                account = (await work.accounts.lock([fee]))[fee]
                placed = account.open_order(ids.new(), self.gateway, NOON, OrderTerms())
                placed.gateway_order, payment.order = order, placed.id
                work.accounts.save(account)
                await work.commit()
        await take(stored, fee, payment)
        return name

    async def imported(self, files: SettlementsUseCases) -> SettlementReport:
        return await files.import_settlement(self.mapping, chunks_of(self.text))

    async def exceptions(
        self, files: SettlementsUseCases, state: ExceptionState = ExceptionState.OPEN
    ) -> Sequence[ExceptionView]:
        page = await files.list_exceptions(state, None, None, 100_000)
        return [each for each in page.items if each.gateway == self.gateway]

    async def posted(self, stored: Application) -> Sequence[SettlementPosted]:
        entries = await unpublished(stored, 100_000)
        messages = [each.message for each in entries if each.message.type == "SettlementPosted"]
        events = [decode_event(each.body, SettlementPosted) for each in messages]
        return [each for each in events if each.gateway == self.gateway]


async def test_what_matches_is_posted_once_however_often_it_is_told(
    stored: Application, files: SettlementsUseCases
) -> None:
    file = File()
    for _ in range(3):
        file.line(await file.paid(stored), 50_000)

    first = await file.imported(files)
    again = await file.imported(files)
    file.line(await file.paid(stored), 50_000)
    overlapping = await file.imported(files)

    assert [(each.read, each.matched, each.repeated) for each in (first, again, overlapping)] == [
        (3, 3, 0),
        (3, 0, 3),
        (4, 1, 3),
    ]
    posted = await file.posted(stored)
    assert [(each.gross, each.fees, each.lines) for each in posted] == [
        (inr(150_000), inr(708), 3),
        (inr(50_000), inr(236), 1),
    ]
    told = [(str(each.debit), str(each.credit), each.amount.minor) for each in postings_of(posted[0])]
    assert told == [
        ("bank:test", f"clearing:{file.gateway}", 149_292),
        (f"gateway-fee:{file.gateway}", f"clearing:{file.gateway}", 708),
    ]
    assert await file.exceptions(files) == []


async def test_each_kind_of_exception_is_listed_and_nothing_of_it_is_posted(
    stored: Application, files: SettlementsUseCases
) -> None:
    file = File()
    short, twice, old = await file.paid(stored), await file.paid(stored), NOON - timedelta(days=20)
    forgotten = await file.paid(stored, at=old)
    fresh = await file.paid(stored)
    file.line(short, 49_999)
    file.line(twice, 50_000)
    file.rows.append(file.rows[-1] | {"entity_id": "pay_other", "order_id": ""})
    file.line("adj_1", -500, kind="adjustment", fee=0)
    file.mapping = replace(file.mapping, columns=replace(file.mapping.columns, payment="settlement_utr"))
    for row, name in zip(file.rows, (short, twice, twice, ""), strict=True):
        row["settlement_utr"] = name

    report = await file.imported(files)

    found = {(each.kind, each.name) for each in await file.exceptions(files)}
    assert found == {
        (ExceptionKind.AMOUNT, short),
        (ExceptionKind.DUPLICATE, twice),
        (ExceptionKind.MISSING_HERE, "adj_1"),
        (ExceptionKind.MISSING_THERE, forgotten),
    }
    assert fresh not in {name for _, name in found}
    assert (report.matched, report.exceptions) == (
        1,
        {"amount": 1, "duplicate": 1, "missing-here": 1, "missing-there": 1},
    )
    assert [each.gross for each in await file.posted(stored)] == [inr(50_000)]
    assert (await file.imported(files)).repeated == 4
    assert len(await file.exceptions(files)) == 4


async def test_an_exception_is_decided_once(stored: Application, files: SettlementsUseCases) -> None:
    file = File()
    file.line("adj_1", -500, kind="adjustment", fee=0)
    file.line("adj_2", -700, kind="adjustment", fee=0)
    await file.imported(files)
    one, two = sorted(await file.exceptions(files), key=lambda each: each.name)

    with acting_as(Principal(subject="account:officer", permissions=frozenset(Permission))):
        accepted = await files.settle_exception(one.id, ExceptionVerdict.ACCEPT, "a fee of the bank")
        dismissed = await files.settle_exception(two.id, ExceptionVerdict.DISMISS, "corrected later")

    assert (accepted.state, dismissed.state) == (ExceptionState.ACCEPTED, ExceptionState.DISMISSED)
    assert [each.gross for each in await file.posted(stored)] == [inr(-500)]
    for each in (one, two):
        with pytest.raises(ExceptionSettled):
            await files.settle_exception(each.id, ExceptionVerdict.ACCEPT, "again")
    with pytest.raises(UnknownException):
        await files.settle_exception(ids.new(), ExceptionVerdict.ACCEPT, "?")


async def test_a_payment_that_was_missing_is_found_in_a_later_file(
    stored: Application, files: SettlementsUseCases
) -> None:
    file = File()
    late = await file.paid(stored, at=NOON - timedelta(days=20))
    file.line(await file.paid(stored), 50_000)
    await file.imported(files)
    assert [each.name for each in await file.exceptions(files)] == [late]

    file.line(late, 50_000)
    await file.imported(files)

    assert await file.exceptions(files) == []
    assert [each.name for each in await file.exceptions(files, ExceptionState.FOUND)] == [late]


async def test_a_payment_is_matched_by_its_order_where_its_id_is_not_known(
    stored: Application, files: SettlementsUseCases
) -> None:
    file, order = File(), f"order_{ids.new().hex}"
    await file.paid(stored, order=order)
    file.line("ch_1", 50_000, order=order)

    assert (await file.imported(files)).matched == 1


async def test_a_refund_is_matched_and_taken_from_the_bank(stored: Application, files: SettlementsUseCases) -> None:
    file = File()
    name = await file.paid(stored)
    paid = payment_id(file.gateway, name)
    fee = (await stored.payments.records().submissions_of([paid]))[paid]
    async with stored.payments.new_work() as work:
        account = (await work.accounts.lock([fee]))[fee]
        refund = Refund(
            id=ids.new(), amount=inr(20_000), cause=RefundCause.GATEWAY, reserved_at=NOON, gateway_refund="rfnd_1",
            check_at=None,
        )  # fmt: skip
        account.record_refund(account.payment(paid), refund, RefundStage.SETTLED, NOON)
        work.accounts.save(account)
        work.record(*account.events)
        await work.commit()
    file.line("rfnd_1", -20_000, kind="refund", fee=0)

    assert (await file.imported(files)).matched == 1

    [posted] = await file.posted(stored)
    told = [(str(each.debit), str(each.credit), each.amount.minor) for each in postings_of(posted)]
    assert told == [
        (f"clearing:{file.gateway}", "bank:test", 20_036),
        (f"gateway-fee:{file.gateway}", f"clearing:{file.gateway}", 36),
    ]


async def test_two_imports_of_one_file_at_once_post_it_once(stored: Application, files: SettlementsUseCases) -> None:
    file = File()
    for _ in range(5):
        file.line(await file.paid(stored), 50_000)

    reports = await asyncio.gather(*(file.imported(files) for _ in range(4)))

    assert sum(each.matched for each in reports) == 5
    assert sum(each.lines for each in await file.posted(stored)) == 5


FIXED = SettlementMapping(
    gateway="bank-of-test",
    bank="test",
    layout=Layout.FIXED,
    times=("%Y%m%d",),
    zone="Asia/Kolkata",
    kinds={"P": LineKind.PAYMENT},
    columns=Columns(
        kind=(0, 1), payment=(1, 13), refund=(1, 13), order=(13, 13), currency=(13, 16), received=((16, 28),),
        fees=((28, 36),), settled_at=(36, 44), settlement=(44, 52),
    ),
)  # fmt: skip


def fixed_line(name: str, net: str, fee: str = "1.00") -> str:
    return f"P{name:<12}INR{net:>12}{fee:>8}20261122{'S1':<8}\r\n"


@pytest.mark.parametrize("lines_per_batch", [2, 100])
async def test_honest_twins_of_a_file_without_ids_stay_two(
    files: SettlementsUseCases, monkeypatch: pytest.MonkeyPatch, lines_per_batch: int
) -> None:
    monkeypatch.setattr(import_settlement, "LINES_PER_BATCH", lines_per_batch)
    mapping = replace(FIXED, gateway=f"g-{ids.new().hex[-20:]}")
    twins = [fixed_line("X1", "499.00"), fixed_line("X2", "499.00"), fixed_line("X1", "499.00")]

    first = await files.import_settlement(mapping, chunks_of(*twins))
    again = await files.import_settlement(mapping, chunks_of(*twins))
    overlapping = await files.import_settlement(mapping, chunks_of(*twins, fixed_line("X1", "499.00")))

    assert [(sum(each.exceptions.values()), each.repeated) for each in (first, again, overlapping)] == [
        (3, 0),
        (0, 3),
        (1, 3),
    ]


async def test_bad_lines_are_named_and_the_others_are_taken(stored: Application, files: SettlementsUseCases) -> None:
    file = File()
    file.line(await file.paid(stored), 50_000)
    for column, value in (("credit", "1,000.00"), ("settled_at", "yesterday"), ("entity_id", ""), ("currency", "XX")):
        file.line("pay_bad", 50_000)
        file.rows[-1][column] = value

    report = await file.imported(files)

    assert (report.matched, report.rejected, [each.number for each in report.bad_lines]) == (1, 4, [3, 4, 5, 6])


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", 'transaction_entity,"entity\n'])
async def test_a_file_of_another_form_is_refused(stored: Application, text: str) -> None:
    with pytest.raises(UnreadableSettlement):
        await stored.use_cases().settlements.import_settlement(shipped_mapping("razorpay"), chunks_of(text))


async def test_the_report_of_stripe_is_read(stored: Application, files: SettlementsUseCases) -> None:
    number = ids.new()
    text = (
        "automatic_payout_id,automatic_payout_effective_at_utc,balance_transaction_id,created_utc,available_on_utc,"
        "currency,gross,fee,net,reporting_category,source_id,description,charge_id,payment_intent_id\n"
        f"po_1,2026-11-22 00:00:00,txn_{number},2026-11-20 10:00:00,2026-11-22 00:00:00,usd,100.00,3.20,"
        "96.80,charge,ch_1,fee,ch_1,pi_1\n"
        f"po_1,2026-11-22 00:00:00,txn_p{number},2026-11-22 00:00:00,2026-11-22 00:00:00,usd,-96.80,0.00,"
        "-96.80,payout,po_1,PAYOUT,,\n"
    )
    mapping = replace(shipped_mapping("stripe"), gateway=f"g-{ids.new().hex[-20:]}")

    report = await files.import_settlement(mapping, chunks_of(text))

    assert (report.read, report.exceptions) == (1, {"missing-here": 1})
    page = await files.list_exceptions(ExceptionState.OPEN, None, None, 100_000)
    [found] = [each for each in page.items if each.gateway == mapping.gateway]
    assert (found.name, found.amount, found.fees) == ("pi_1", Money(10_000, "USD"), Money(320, "USD"))
    assert isinstance(found.id, UUID)


async def test_a_file_is_read_wherever_its_chunks_end(stored: Application, files: SettlementsUseCases) -> None:
    file = File()
    file.line(await file.paid(stored), 50_000)
    file.line("adj_2", 700, kind="adjustment, “quoted”\r\nin two lines")
    file.rows[-1]["settled_at"] = SETTLED_AT.strftime("%Y-%m-%dT%H:%M:%S")
    file.rows[-1]["settlement_id"] = "'=setl_1"
    content = b"\xef\xbb\xbf" + file.text.encode()

    report = await files.import_settlement(
        file.mapping, chunks_of(*(content[at : at + 1] for at in range(len(content))))
    )
    again = await files.import_settlement(file.mapping, chunks_of(content))

    assert (report.matched, report.exceptions, report.rejected) == (1, {"missing-here": 1}, 0)
    assert again.repeated == 2
    assert [each.settlement for each in await file.exceptions(files)] == ["=setl_1"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a" * 70_000, "has more than 65536 characters"),
        (b"\xff\xfea\x00", "is UTF-16"),
        (",".join(RAZORPAY).encode() + b"\n\xe9\n", "not UTF-8"),
    ],
)
async def test_a_file_that_cannot_be_text_is_refused(files: SettlementsUseCases, content: bytes, told: str) -> None:
    with pytest.raises(UnreadableSettlement, match=told):
        await files.import_settlement(shipped_mapping("razorpay"), chunks_of(content))


async def test_what_was_read_before_a_fault_stays_and_is_repeated_later(
    stored: Application, files: SettlementsUseCases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_settlement, "LINES_PER_BATCH", 1)
    file = File()
    for _ in range(3):
        file.line(await file.paid(stored), 50_000)

    with pytest.raises(UnreadableSettlement):
        await files.import_settlement(file.mapping, chunks_of(file.text, b"\xff\n"))
    later = await file.imported(files)

    assert later.matched + later.repeated == 3
    assert sum(each.lines for each in await file.posted(stored)) == 3
