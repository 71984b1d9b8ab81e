import asyncio
import json
from typing import Any

import pytest

from core.inventory.ports import LineKey
from entrypoints.messages.inventory import decode_stock_event
from tests.unit.cli.runner import CliRunner


@pytest.fixture
def stocked(runner: CliRunner) -> CliRunner:
    """Create a batch of ten pens, six of which are allocated."""
    assert runner.run("inventory", "create-batch", "B-1", "PEN", "10")[0] == 0
    assert runner.run("inventory", "allocate", "SCHOOL-1", "PEN", "6")[0] == 0
    return runner


def run_json(runner: CliRunner, *words: str) -> Any:
    code, out, _ = runner.run("inventory", *words, "--json")
    assert code == 0
    return json.loads(out)


def state(runner: CliRunner, order: str) -> str:
    return runner.store.order_lines[LineKey("PEN", order)].state


def test_a_created_batch_is_shown_with_its_available_pieces(runner: CliRunner) -> None:
    code, out, _ = runner.run("inventory", "create-batch", "B-1", "PEN", "1200", "--eta", "2027-01-15")

    assert code == 0
    assert out == "B-1: PEN, arrives on 2027-01-15, 1,200 pieces, 1,200 available, 0 shipped\n"


def test_an_allocation_prints_its_batches_and_the_reason(stocked: CliRunner) -> None:
    code, out, _ = stocked.run("inventory", "allocate", "SCHOOL-1", "PEN", "6")

    assert code == 0
    shown = out.splitlines()[1]
    assert [word in shown for word in ("SCHOOL-1", "allocated", "6 of B-1", "in the warehouse")] == [True] * 4


def test_the_same_line_again_changes_nothing_and_another_quantity_is_refused(stocked: CliRunner) -> None:
    again = run_json(stocked, "allocate", "SCHOOL-1", "PEN", "6")
    code, out, err = stocked.run("inventory", "allocate", "SCHOOL-1", "PEN", "7")

    assert [(line["state"], line["version"]) for line in again] == [("allocated", 2)]
    assert (code, out) == (3, "")
    assert err.startswith("line-already-allocated: order SCHOOL-1 has a line of 6 PEN")


def test_a_backorder_is_served_by_the_next_batch(stocked: CliRunner) -> None:
    (waiting,) = run_json(stocked, "allocate", "SCHOOL-2", "PEN", "5", "--wait")
    _, out, _ = stocked.run("inventory", "create-batch", "B-2", "PEN", "5")

    assert (waiting["state"], waiting["parts"]) == ("waiting", [])
    assert "0 lines gave pieces up, 1 got some" in out
    assert state(stocked, "SCHOOL-2") == "allocated"


def test_an_allocation_is_split_only_when_allowed(stocked: CliRunner) -> None:
    stocked.run("inventory", "create-batch", "B-2", "PEN", "3")
    whole, _, _ = stocked.run("inventory", "allocate", "SCHOOL-2", "PEN", "7")
    (split,) = run_json(stocked, "allocate", "SCHOOL-2", "PEN", "7", "--split")

    assert whole == 3
    assert {part["batch"]: part["quantity"] for part in split["parts"]} == {"B-1": 4, "B-2": 3}


def test_a_smaller_batch_takes_pieces_from_the_highest_priority_number(stocked: CliRunner) -> None:
    run_json(stocked, "allocate", "SCHOOL-2", "PEN", "4", "--priority", "9")
    change = run_json(stocked, "change-quantity", "B-1", "6")

    assert (change["gave_up"], change["served"], change["batch"]["available"]) == (1, 0, 0)
    assert (state(stocked, "SCHOOL-1"), state(stocked, "SCHOOL-2")) == ("allocated", "waiting")


def test_an_arrival_is_moved_until_the_goods_are_in_the_warehouse(stocked: CliRunner) -> None:
    late = run_json(stocked, "change-arrival", "B-1", "--eta", "2027-01-20")
    there = run_json(stocked, "change-arrival", "B-1", "--arrived")

    assert (late["batch"]["eta"], there["batch"]["eta"]) == ("2027-01-20", None)


def test_cancelled_and_deallocated_pieces_return_to_stock_and_shipped_ones_do_not(stocked: CliRunner) -> None:
    run_json(stocked, "allocate", "SCHOOL-2", "PEN", "2")
    run_json(stocked, "allocate", "SCHOOL-3", "PEN", "2")
    (cancelled,) = run_json(stocked, "cancel", "SCHOOL-1")
    (deallocated,) = run_json(stocked, "deallocate", "SCHOOL-2", "PEN")
    (shipped,) = run_json(stocked, "ship", "SCHOOL-3", "--sku", "PEN")

    assert [each["state"] for each in (cancelled, deallocated, shipped)] == ["cancelled", "deallocated", "shipped"]
    assert run_json(stocked, "change-quantity", "B-1", "2")["batch"]["available"] == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("create-batch B-1 PEN 10", 3, "batch-already-created: there is a batch B-1"),
        ("create-batch B-2 PEN 0", 1, "invalid-quantity: a quantity is 1 to 1,000,000 pieces (at $.quantity)"),
        ("create-batch B-2 PEN 5 --eta 2026-11-01", 1, "arrival-in-the-past: 2026-11-01 is in the past"),
        ("create-batch B-2 PEN 5 --eta soon", 1, "invalid: 'soon' is no day: write 2027-01-15 (at $.eta)"),
        ("create-batch B/2 PEN 5", 1, "invalid: `reference` is 1 to 64 letters"),
        ("create-batch B-2 PEN many", 2, "'QUANTITY'"),
        ("change-quantity B-9 5", 1, "unknown-batch: there is no batch B-9"),
        ("change-arrival B-1 --eta 2026-11-01", 1, "arrival-in-the-past: 2026-11-01 is in the past"),
        ("allocate SCHOOL-2 PEN 5", 3, "out-of-stock: 5 PEN are wanted, and no batch has more than 4 left"),
        ("allocate SCHOOL-2 GOWN 5", 1, "unknown-sku: there is no sku GOWN: no batch of it was created (at $.sku)"),
        ("allocate SCHOOL-2 PEN 0", 1, "invalid-quantity"),
        ("allocate SCHOOL-2 PEN 1 --priority 10", 2, "--priority"),
        ("allocate SCHOOL-2 PEN 1 --hold-until 2026-11-01", 1, "hold-in-the-past: `hold_until` was over"),
        ("allocate SCHOOL-2 PEN 1 --hold-until soon", 1, "invalid: 'soon' is no moment"),
        ("deallocate SCHOOL-9 PEN", 1, "unknown-order-line: order SCHOOL-9 has no line of PEN"),
        ("cancel SCHOOL-9", 1, "unknown-order-line: order SCHOOL-9 has no active lines"),
        ("ship SCHOOL-9 --everything", 1, "unknown-order-line: order SCHOOL-9 has nothing to ship"),
        ("ship SCHOOL-1", 1, "unprocessable: name one `sku`, or demand the whole order: `everything` is true"),
        ("ship SCHOOL-1 --sku PEN --everything", 1, "unprocessable: give either `sku` or `everything`, not both"),
        ("change-arrival B-1", 2, "give either --eta with the day of arrival, or --arrived"),
        ("change-arrival B-1 --arrived --eta 2027-01-20", 2, "give either --eta with the day of arrival, or --arrived"),
    ],
)
def test_a_refused_stock_command_prints_the_reason_and_changes_nothing(
    stocked: CliRunner, words: str, code: int, message: str
) -> None:
    before = stocked.store.skus["PEN"].version
    ended, out, err = stocked.run("inventory", *words.split())

    assert (ended, out) == (code, "")
    assert message in err
    assert {line.state for line in stocked.store.order_lines.values()} == {"allocated"}
    assert stocked.store.skus["PEN"].version == before + ("out-of-stock" in message)  # a shortage is an event


def test_a_quantity_cannot_go_below_the_shipped_pieces(stocked: CliRunner) -> None:
    run_json(stocked, "ship", "SCHOOL-1", "--everything")
    code, _, err = stocked.run("inventory", "change-quantity", "B-1", "5")

    assert code == 3
    assert err.startswith("quantity-below-shipped: 6 pieces of B-1 were shipped")


def test_an_allocation_can_be_held_until_a_moment(stocked: CliRunner) -> None:
    (held,) = run_json(stocked, "allocate", "SCHOOL-2", "PEN", "1", "--hold-until", "2026-12-01T12:00Z")

    assert held["hold_until"] == "2026-12-01T12:00:00Z"


def take_in(runner: CliRunner) -> None:
    """Project all stock events into the views."""
    events = [decode_stock_event(message) for message in runner.store.events.values()]
    asyncio.run(runner.application.use_cases().inventory.project_stock(events))


def test_an_order_is_shown_with_the_batches_that_were_passed_over(stocked: CliRunner) -> None:
    stocked.run("inventory", "create-batch", "B-2", "PEN", "100", "--eta", "2027-01-15")
    stocked.run("inventory", "allocate", "SCHOOL-2", "PEN", "30")
    take_in(stocked)
    code, out, _ = stocked.run("inventory", "show", "SCHOOL-2")

    assert (code, "30 of B-2" in out) == (0, True)
    assert out.splitlines()[-1] == "PEN: B-1 was passed over: in the warehouse, but has only 4"
    assert run_json(stocked, "show", "SCHOOL-1")["lines"][0]["parts"][0]["batch"] == "B-1"


def test_available_pieces_are_shown_as_of_a_day(stocked: CliRunner) -> None:
    stocked.run("inventory", "create-batch", "B-2", "PEN", "100", "--eta", "2027-01-15")
    take_in(stocked)

    assert [run_json(stocked, "left", "PEN", *on)["pieces"] for on in ((), ("--on", "2027-01-14"))] == [104, 4]
    assert stocked.run("inventory", "left", "PEN")[1].split()[-3:] == ["in", "all", "104"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "UNKNOWN-1"), "unknown-order: "),
        (("left", "NOTHING"), "unknown-sku: "),
        (("left", "PEN", "--on", "x"), "invalid: "),
    ],
)
def test_an_unknown_order_or_sku_ends_with_the_error(
    stocked: CliRunner, words: tuple[str, ...], complaint: str
) -> None:
    code, out, err = stocked.run("inventory", *words)

    assert (code, out, err.startswith(complaint)) == (1, "", True)
