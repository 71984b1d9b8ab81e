"""Notices to those who work here."""

from dataclasses import replace

import pytest

from adapters.jinja.templates import JinjaTemplates
from adapters.memory.students import MemoryContacts
from adapters.system.staff import StaffContacts
from core.notifications.delivery import Channel, Notice
from core.notifications.messages import Contact
from core.notifications.staff import STORES
from tests.examples import ids
from tests.unit.notifications.post import PostRoom, a_notice
from tests.unit.notifications.test_dispatch_deliveries import AwayContacts

STOREKEEPER = Contact(name="Meera Joshi", email="stores@example.org", phone="+912025550123", language="en")
FACTS = {"sku": "SU-EXAM-KIT", "order": "BF-1", "quantity": 5, "available": 3, "waiting": 0}


@pytest.fixture
def room() -> PostRoom:
    return PostRoom()


def employ(room: PostRoom, storekeeper: Contact) -> None:
    """Let somebody be in charge of the stores."""
    contacts = StaffContacts({STORES: storekeeper}, MemoryContacts(room.store))
    room.dispatch = replace(room.dispatch, contacts=contacts, templates=JinjaTemplates())


def a_shortage() -> Notice:
    return Notice(notice=ids.new(), about=ids.new(), recipient=STORES, template="out_of_stock", facts=FACTS)


async def deliver(room: PostRoom) -> list[int]:
    return [await room.dispatch(channel) for channel in Channel]


def states(room: PostRoom) -> list[tuple[str, str]]:
    """Return what became of each delivery, and why."""
    return [(str(each.state), each.reason) for each in room.store.deliveries.values()]


async def test_whoever_is_in_charge_of_the_stores_is_told_of_a_shortage(room: PostRoom) -> None:
    employ(room, STOREKEEPER)
    await room.notify(a_shortage())
    await deliver(room)

    assert [(email.to, email.subject) for email in room.email.asked] == [
        ("stores@example.org", "Out of stock: SU-EXAM-KIT")
    ]
    assert "To: Meera Joshi" in room.email.asked[0].text
    assert [sms.to for sms in room.sms.asked] == ["+912025550123"]
    assert states(room) == [("sent", ""), ("sent", "")]


async def test_a_shortage_that_nobody_can_be_told_is_suppressed_and_not_tried_again(room: PostRoom) -> None:
    employ(room, Contact(name="The stores", email="", phone="", language="en"))
    await room.notify(a_shortage())

    assert await deliver(room) == [1, 1]
    assert states(room) == [("suppressed", "no email address"), ("suppressed", "no sms address")]
    assert await deliver(room) == [0, 0]
    assert not room.email.asked
    assert not room.sms.asked


async def test_students_are_told_as_ever(room: PostRoom) -> None:
    employ(room, STOREKEEPER)
    room.dispatch = replace(room.dispatch, templates=PostRoom().dispatch.templates)
    await room.notify(a_notice(await room.enrol()))
    await room.dispatch(Channel.EMAIL)

    assert [email.to for email in room.email.asked] == ["asha.1@example.org"]


async def test_nobody_asks_the_roster_for_those_who_work_here() -> None:
    contacts = StaffContacts({STORES: STOREKEEPER}, AwayContacts())

    assert await contacts.of({STORES}) == {STORES: STOREKEEPER}
