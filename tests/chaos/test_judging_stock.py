"""The judge's findings about the inventory, case by case."""

from dataclasses import replace
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import msgspec
import pytest

from tests.chaos.facts import StoredEvent
from tests.chaos.findings import FINDING_KINDS, Findings
from tests.chaos.judge_stock import judge_stock
from tests.chaos.judge_stock_replies import judge_stock_replies
from tests.chaos.stock import AllocationRow, BatchRow, Line, Notice, SkuRow
from tests.chaos.stock_reply_log import StockReply
from tests.chaos.test_judging import GOOD

PENS = uuid4()


def an_event(kind: str, version: int, subject: UUID = PENS, **told: Any) -> StoredEvent:
    return StoredEvent(uuid4(), "inventory", kind, subject, version, msgspec.json.encode(told))


def about_line(kind: str, version: int, state: str) -> StoredEvent:
    return an_event(kind, version, line={"order": "O-1", "state": state})


BOUGHT = BatchRow("B-1", "PEN", 10, 6, 0)
LINE, HAS = Line("O-1", "PEN", 4, False, "allocated", 2), AllocationRow("B-1", "O-1", "PEN", 4)
CREATED, ALLOCATED = an_event("BatchCreated", 1), about_line("Allocated", 2, "allocated")
BUYING = StockReply("CreateBatch", {"reference": "B-1", "sku": "PEN", "quantity": 10}, "c-1", "done")
ORDERING = StockReply("Allocate", {"order": "O-1", "sku": "PEN", "quantity": 4}, "c-2", "done", parts={"B-1": 4})
CANCELLING = StockReply("CancelOrder", {"order": "O-1"}, "c-3", "done")
CORRECTING = StockReply("ChangeBatchQuantity", {"reference": "B-1", "quantity": 10}, "c-4", "done")
SENT = StockReply("CancelOrder", {"order": "O-1"}, "c-3", "sent")
UNSURE = msgspec.structs.replace(CANCELLING, outcome="unsure")
REFUSED = msgspec.structs.replace(CANCELLING, outcome="refused")
REFUSAL = an_event("StockCommandRefused", 1, uuid4(), command=uuid5(uuid5(NAMESPACE_URL, "chaos"), "c-3"))
SHORTAGE = an_event("OutOfStock", 3)
KIT = GOOD.stock.lines[0]
STOCK = replace(
    GOOD.stock,
    skus=[*GOOD.stock.skus, SkuRow(PENS, "PEN", 2)],
    batches=[BOUGHT],
    lines=[KIT, LINE],
    pieces=[HAS],
    told=[BUYING, ORDERING],
)
EVENTS = [*GOOD.events, CREATED, ALLOCATED]


def judged(*more: StoredEvent, events: list[StoredEvent] = EVENTS, **changes: Any) -> Findings:
    findings = Findings()
    judge_stock(replace(GOOD, events=[*events, *more], stock=replace(STOCK, **changes)), findings)
    return findings


def pens(version: int) -> list[SkuRow]:
    return [*GOOD.stock.skus, SkuRow(PENS, "PEN", version)]


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    assert not judged().of


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("stock_not_conserved", {"batches": [replace(BOUGHT, available=5)]}),
        ("stock_not_conserved", {"batches": [replace(BOUGHT, available=7)]}),
        ("stock_not_conserved", {"batches": [replace(BOUGHT, shipped=1)]}),
        ("stock_not_conserved", {"batches": [replace(BOUGHT, purchased=11, available=7)]}),
        ("stock_not_conserved", {"batches": [], "told": [ORDERING]}),
        ("stock_not_conserved", {"pieces": [replace(HAS, quantity=5)], "batches": [replace(BOUGHT, available=5)]}),
        ("stock_not_conserved", {"lines": [KIT, replace(LINE, state="cancelled")]}),
        ("stock_lost", {"pieces": [replace(HAS, quantity=3)], "batches": [replace(BOUGHT, available=7)]}),
        ("stock_lost", {"pieces": [], "batches": [replace(BOUGHT, available=10)]}),
        ("stock_lost", {"lines": [KIT]}),
        ("stock_lost", {"lines": [LINE]}),
        ("stock_lost", {"lines": [replace(KIT, state="cancelled"), LINE]}),
        ("stock_lost", {"batches": [replace(BOUGHT, sku="GOWN")]}),
        ("stock_duplicates", {"lines": [KIT, LINE, LINE]}),
        ("stock_duplicates", {"lines": [KIT, replace(KIT, order="BF-2"), LINE]}),
        ("stock_untold", {"skus": pens(3)}),
        ("stock_untold", {"skus": pens(1)}),
        ("stock_untold", {"lines": [KIT, replace(LINE, version=1)]}),
        ("stock_untold", {"lines": [KIT, LINE, replace(LINE, order="O-2", state="cancelled")]}),
        ("stock_idle", {"lines": [KIT, LINE, Line("O-2", "PEN", 6, False, "waiting", 3)]}),
        ("duplicate_effects", {"notices": [Notice(SHORTAGE.id, "email", "sent")]}),
    ],
)
def test_each_violation_is_reported_under_its_kind(kind: str, changes: dict[str, Any]) -> None:
    counts = judged(**changes).counts()

    assert counts[kind] > 0
    assert kind in FINDING_KINDS


def test_a_backorder_larger_than_the_stock_is_no_finding() -> None:
    batches = [BOUGHT, BatchRow("B-2", "PEN", 5, 5, 0)]
    waiting = Line("O-2", "PEN", 7, False, "waiting", 3)

    whole = judged(batches=batches, lines=[KIT, LINE, waiting])
    split = judged(batches=batches, lines=[KIT, LINE, replace(waiting, split=True)])

    assert (whole.counts()["stock_idle"], split.counts()["stock_idle"]) == (0, 1)


@pytest.mark.parametrize(
    ("kind", "told", "state"),
    [
        ("stock_lost", [ORDERING], "waiting"),
        ("", [ORDERING, CORRECTING], "waiting"),
        ("stock_lost", [ORDERING, CANCELLING], "allocated"),
        ("", [ORDERING, CANCELLING], "cancelled"),
        ("stock_lost", [ORDERING], "cancelled"),
        ("", [ORDERING, UNSURE], "allocated"),
        ("", [ORDERING, UNSURE], "cancelled"),
        ("stock_lost", [ORDERING, REFUSED], "cancelled"),
        ("", [ORDERING, SENT], "cancelled"),
        ("stock_lost", [ORDERING, SENT], "allocated"),
        ("stock_duplicates", [msgspec.structs.replace(ORDERING, outcome="refused", parts={})], "allocated"),
        ("", [msgspec.structs.replace(ORDERING, outcome="unsure", parts={})], "allocated"),
    ],
)
def test_a_line_is_in_the_state_its_commands_left_it_in(kind: str, told: list[StockReply], state: str) -> None:
    stock = replace(STOCK, lines=[replace(LINE, state=state)], pieces=[HAS] if state == "allocated" else [], told=told)
    findings = Findings()
    judge_stock_replies(replace(GOOD, stock=replace(stock, batches=[])), findings)

    assert set(findings.of) == ({kind} if kind else set())


def test_a_command_that_was_refused_by_an_event_has_changed_nothing() -> None:
    assert not judged(REFUSAL, told=[BUYING, ORDERING, SENT]).of


@pytest.mark.parametrize(
    ("twice", "history"),
    [
        (True, [ALLOCATED, about_line("Allocated", 3, "allocated")]),
        (
            True,
            [
                ALLOCATED,
                about_line("Deallocated", 3, "cancelled"),
                about_line("Queued", 4, "waiting"),
            ],
        ),
        (
            False,
            [
                ALLOCATED,
                about_line("Deallocated", 3, "waiting"),
                about_line("Allocated", 4, "allocated"),
            ],
        ),
        (True, [ALLOCATED, an_event("OutOfStock", 3), an_event("OutOfStock", 4)]),
        (False, [ALLOCATED, an_event("OutOfStock", 3), an_event("BatchCreated", 4), an_event("OutOfStock", 5)]),
    ],
)
def test_nothing_happens_twice(twice: bool, history: list[StoredEvent]) -> None:
    findings = judged(events=[*GOOD.events, CREATED, *history], skus=pens(len(history) + 1))

    assert bool(findings.of["stock_duplicates"]) is twice


def test_a_shortage_is_notified_once_per_channel() -> None:
    by_email, by_sms = (Notice(SHORTAGE.id, channel, "sent") for channel in ("email", "sms"))

    def heard(*notices: Notice) -> dict[str, int]:
        counts = judged(SHORTAGE, skus=pens(3), notices=list(notices)).counts()
        return {kind: count for kind, count in counts.items() if count}

    assert heard(by_email, by_sms) == {}
    assert heard(by_email) == {"lost": 1}
    assert heard(by_email, by_sms, by_sms) == {"duplicate_effects": 1}
    assert heard(by_email, replace(by_sms, state="rejected")) == {"lost": 1}
