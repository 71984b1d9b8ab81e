import pytest

from tests.unit.inventory.harness import InventoryHarness


@pytest.fixture
def inventory() -> InventoryHarness:
    return InventoryHarness.in_memory()
