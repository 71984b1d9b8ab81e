"""For more sequences: BURSAR_TEST_SEQUENCES=20000 uv run pytest tests/unit/inventory/test_conservation.py"""

from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis.stateful import run_state_machine_as_test

from core.inventory import backorders
from tests.unit.inventory.conservation_machine import Conservation, sequences
from tests.unit.inventory.harness import InventoryHarness


def at_once(act: Coroutine[Any, Any, Any]) -> Any:
    """Return the result of a coroutine that never suspends."""
    try:
        act.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("it waits")


def test_stock_is_conserved_by_any_sequence_of_commands() -> None:
    run_state_machine_as_test(lambda: Conservation(InventoryHarness.in_memory(), at_once), settings=sequences(60))


def test_stock_is_conserved_when_backorders_are_served_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backorders, "BACKORDERS_PER_PAGE", 1)
    monkeypatch.setattr(backorders, "MAX_LINES_SERVED_PER_TRANSACTION", 2)

    class Paged(Conservation):
        paged = True

    run_state_machine_as_test(lambda: Paged(InventoryHarness.in_memory(), at_once), settings=sequences(20))
