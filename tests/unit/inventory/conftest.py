import pytest

from tests.unit.inventory.stores import Stores


@pytest.fixture
def stores() -> Stores:
    return Stores.in_memory()
