import pytest

from tests.unit.inventory.harness import Stores


@pytest.fixture
def stores() -> Stores:
    return Stores.in_memory()
