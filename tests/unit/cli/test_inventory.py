import asyncio
import json
from typing import Any

import pytest

from core.inventory.ports import LineKey
from entrypoints.messages.stock_events import decode_stock_event
from tests.unit.cli.runner import CliRunner


@pytest.fixture
def stores(counter: CliRunner) -> CliRunner:
    """Have ten pens in the warehouse, and somebody who has six of them."""
    assert counter.run("stores", "create-batch", "B-1", "PEN", "10")[0] == 0
    assert counter.run("stores", "allocate", "SCHOOL-1", "PEN", "6")[0] == 0
    return counter


def asked(counter: CliRunner, *words: str) -> Any:
    code, out, _ = counter.run("stores", *words, "--json")
    assert code == 0
    return json.loads(out)


def state(counter: CliRunner, order: str) -> str:
    return counter.store.order_lines[LineKey("PEN", order)].state


def test_a_batch_is_bought_and_shown_with_what_is_left(counter: CliRunner) -> None:
    code, out, _ = counter.run("stores", "create-batch", "B-1", "PEN", "1200", "--eta", "2027-01-15")

    assert code == 0
    assert out == "B-1: PEN, arrives on 2027-01-15, 1,200 pieces, 1,200 available, 0 shipped\n"


def test_an_allocation_says_where_the_pieces_come_from_and_why(stores: CliRunner) -> None:
    code, out, _ = stores.run("stores", "allocate", "SCHOOL-1", "PEN", "6")

    assert code == 0
    shown = out.splitlines()[1]
    assert [word in shown for word in ("SCHOOL-1", "allocated", "6 of B-1", "in the warehouse")] == [True] * 4


def test_the_same_line_again_changes_nothing_and_another_quantity_is_refused(stores: CliRunner) -> None:
    again = asked(stores, "allocate", "SCHOOL-1", "PEN", "6")
    code, out, err = stores.run("stores", "allocate", "SCHOOL-1", "PEN", "7")

    assert [(line["state"], line["version"]) for line in again] == [("allocated", 2)]
    assert (code, out) == (3, "")
    assert err.startswith("line-already-allocated: order SCHOOL-1 has a line of 6 PEN")


def test_a_backorder_is_served_by_the_next_batch(stores: CliRunner) -> None:
    (waiting,) = asked(stores, "allocate", "SCHOOL-2", "PEN", "5", "--wait")
    _, out, _ = stores.run("stores", "create-batch", "B-2", "PEN", "5")

    assert (waiting["state"], waiting["parts"]) == ("waiting", [])
    assert "0 lines gave pieces up, 1 got some" in out
    assert state(stores, "SCHOOL-2") == "allocated"


def test_an_allocation_is_split_only_when_allowed(stores: CliRunner) -> None:
    stores.run("stores", "create-batch", "B-2", "PEN", "3")
    whole, _, _ = stores.run("stores", "allocate", "SCHOOL-2", "PEN", "7")
    (split,) = asked(stores, "allocate", "SCHOOL-2", "PEN", "7", "--split")

    assert whole == 3
    assert {part["batch"]: part["quantity"] for part in split["parts"]} == {"B-1": 4, "B-2": 3}


def test_a_smaller_batch_takes_pieces_from_the_highest_priority_number(stores: CliRunner) -> None:
    asked(stores, "allocate", "SCHOOL-2", "PEN", "4", "--priority", "9")
    change = asked(stores, "change-quantity", "B-1", "6")

    assert (change["gave_up"], change["served"], change["batch"]["available"]) == (1, 0, 0)
    assert (state(stores, "SCHOOL-1"), state(stores, "SCHOOL-2")) == ("allocated", "waiting")


def test_an_arrival_is_moved_and_without_a_day_the_goods_are_there(stores: CliRunner) -> None:
    late = asked(stores, "change-arrival", "B-1", "--eta", "2027-01-20")
    there = asked(stores, "change-arrival", "B-1")

    assert (late["batch"]["eta"], there["batch"]["eta"]) == ("2027-01-20", None)


def test_what_an_order_has_returns_to_stock_or_leaves_it(stores: CliRunner) -> None:
    asked(stores, "allocate", "SCHOOL-2", "PEN", "2")
    asked(stores, "allocate", "SCHOOL-3", "PEN", "2")
    (cancelled,) = asked(stores, "cancel", "SCHOOL-1")
    (deallocated,) = asked(stores, "deallocate", "SCHOOL-2", "PEN")
    (shipped,) = asked(stores, "ship", "SCHOOL-3", "--sku", "PEN")

    assert [each["state"] for each in (cancelled, deallocated, shipped)] == ["cancelled", "deallocated", "shipped"]
    assert asked(stores, "change-quantity", "B-1", "2")["batch"]["available"] == 0


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("create-batch B-1 PEN 10", 3, "batch-already-created: there is a batch B-1"),
        ("create-batch B-2 PEN 0", 1, "invalid-quantity: a quantity is 1 to 1,000,000 pieces (at $.quantity)"),
        ("create-batch B-2 PEN 5 --eta 2026-11-01", 1, "arrival-in-the-past: 2026-11-01 is over"),
        ("create-batch B-2 PEN 5 --eta soon", 1, "invalid: 'soon' is no day: write 2027-01-15 (at $.eta)"),
        ("create-batch B/2 PEN 5", 1, "invalid: `reference` is 1 to 64 letters"),
        ("create-batch B-2 PEN many", 2, "'QUANTITY'"),
        ("change-quantity B-9 5", 1, "unknown-batch: there is no batch B-9"),
        ("change-arrival B-1 --eta 2026-11-01", 1, "arrival-in-the-past: 2026-11-01 is over"),
        ("allocate SCHOOL-2 PEN 5", 3, "out-of-stock: 5 PEN are wanted, and no batch has more than 4 left"),
        ("allocate SCHOOL-2 GOWN 5", 1, "unknown-sku: nothing of sku GOWN was ever bought (at $.sku)"),
        ("allocate SCHOOL-2 PEN 0", 1, "invalid-quantity"),
        ("allocate SCHOOL-2 PEN 1 --priority 10", 2, "--priority"),
        ("allocate SCHOOL-2 PEN 1 --hold-until 2026-11-01", 1, "hold-in-the-past: the hold would have ended"),
        ("allocate SCHOOL-2 PEN 1 --hold-until soon", 1, "invalid: 'soon' is no moment"),
        ("deallocate SCHOOL-9 PEN", 1, "unknown-order-line: order SCHOOL-9 has no line of PEN"),
        ("cancel SCHOOL-9", 1, "unknown-order-line: order SCHOOL-9 has no lines"),
        ("ship SCHOOL-9", 1, "unknown-order-line: order SCHOOL-9 has nothing to ship"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(stores: CliRunner, words: str, code: int, told: str) -> None:
    before = stores.store.skus["PEN"].version
    ended, out, err = stores.run("stores", *words.split())

    assert (ended, out) == (code, "")
    assert told in err
    assert {line.state for line in stores.store.order_lines.values()} == {"allocated"}
    assert stores.store.skus["PEN"].version == before + ("out-of-stock" in told)  # a shortage is told of


def test_a_quantity_cannot_go_below_what_has_left(stores: CliRunner) -> None:
    asked(stores, "ship", "SCHOOL-1")
    code, _, err = stores.run("stores", "change-quantity", "B-1", "5")

    assert code == 3
    assert err.startswith("quantity-below-shipped: 6 pieces of B-1 have left the stores")


def test_a_reservation_can_end_by_itself(stores: CliRunner) -> None:
    (held,) = asked(stores, "allocate", "SCHOOL-2", "PEN", "1", "--hold-until", "2026-12-01T12:00Z")

    assert held["hold_until"] == "2026-12-01T12:00:00Z"


def take_in(counter: CliRunner) -> None:
    """Let the views know what happened."""
    events = [decode_stock_event(message) for message in counter.store.events.values()]
    asyncio.run(counter.application.use_cases.project_stock()(events))


def test_an_order_is_shown_with_what_was_passed_over(stores: CliRunner) -> None:
    stores.run("stores", "create-batch", "B-2", "PEN", "100", "--eta", "2027-01-15")
    stores.run("stores", "allocate", "SCHOOL-2", "PEN", "30")
    take_in(stores)
    code, out, _ = stores.run("stores", "show", "SCHOOL-2")

    assert (code, "30 of B-2" in out) == (0, True)
    assert out.splitlines()[-1] == "PEN: B-1 was passed over: in the warehouse, but has only 4"
    assert asked(stores, "show", "SCHOOL-1")["lines"][0]["parts"][0]["batch"] == "B-1"


def test_what_is_left_is_shown_as_of_a_day(stores: CliRunner) -> None:
    stores.run("stores", "create-batch", "B-2", "PEN", "100", "--eta", "2027-01-15")
    take_in(stores)

    assert [asked(stores, "left", "PEN", *on)["pieces"] for on in ((), ("--on", "2027-01-14"))] == [104, 4]
    assert stores.run("stores", "left", "PEN")[1].split()[-3:] == ["in", "all", "104"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "NOBODY"), "unknown-order: "),
        (("left", "NOTHING"), "unknown-sku: "),
        (("left", "PEN", "--on", "x"), "invalid: "),
    ],
)
def test_what_cannot_be_shown_says_so(stores: CliRunner, words: tuple[str, ...], complaint: str) -> None:
    code, out, err = stores.run("stores", *words)

    assert (code, out, err.startswith(complaint)) == (1, "", True)
