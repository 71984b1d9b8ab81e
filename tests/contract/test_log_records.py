"""The contract of what follows from the event log, for every kind of persistence."""

from random import Random

import pytest

from config.container import Application
from tests.rebuilt_office import NAMES, RebuiltOffice

SQL = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)


@pytest.fixture
async def office(stored: Application, monkeypatch: pytest.MonkeyPatch) -> RebuiltOffice:
    for module in ("rebuild_projection", "verify_projection"):
        monkeypatch.setattr(f"core.messaging.{module}.EVENTS_PER_PAGE", 7)
    office = RebuiltOffice(stored)
    await office.live(Random(11), 60)
    return office


async def test_what_was_deleted_is_rebuilt_byte_for_byte(office: RebuiltOffice) -> None:
    before = await office.dump()
    await office.delete_derived()
    assert not any((await office.dump()).values())

    await office.rebuild_all()
    await office.settle_down()

    assert await office.dump() == before
    assert sum(len(rows) for rows in before.values()) > 40
    for name in NAMES:
        assert (await office.verify(name)).is_right


async def test_a_projection_that_is_right_has_no_difference_and_each_row_an_event(office: RebuiltOffice) -> None:
    before = await office.dump()

    for name in NAMES:
        found = await office.verify(name)
        assert (found.is_right, found.waiting, found.differences) == (True, 0, [])
        assert found.rows > 3

    assert await office.dump() == before
