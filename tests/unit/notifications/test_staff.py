"""Notices to those who work here."""

from dataclasses import replace

import pytest

from adapters.jinja.templates import JinjaTemplates
from adapters.memory.students import MemoryContacts
from adapters.system.staff import StaffContacts
from core.notifications.delivery import Channel, Notice
from core.notifications.messages import Contact
from core.notifications.staff import INVENTORY_STAFF
from tests.examples import ids
from tests.unit.notifications.harness import NotificationsHarness, a_notice
from tests.unit.notifications.test_dispatch_deliveries import AwayContacts

STAFF_CONTACT = Contact(name="Meera Joshi", email="stores@example.org", phone="+912025550123", language="en")
FACTS = {"sku": "SU-EXAM-KIT", "order": "BF-1", "quantity": 5, "available": 3, "waiting": 0}


@pytest.fixture
def room() -> NotificationsHarness:
    return NotificationsHarness()


def employ(room: NotificationsHarness, storekeeper: Contact) -> None:
    """Let somebody be in charge of the stores."""
    contacts = StaffContacts({INVENTORY_STAFF: storekeeper}, MemoryContacts(room.store))
    room.dispatch = replace(room.dispatch, contacts=contacts, templates=JinjaTemplates())


def a_shortage() -> Notice:
    return Notice(notice=ids.new(), about=ids.new(), recipient=INVENTORY_STAFF, template="out_of_stock", facts=FACTS)


async def deliver(room: NotificationsHarness) -> list[int]:
    return [await room.dispatch(channel) for channel in Channel]


def states(room: NotificationsHarness) -> list[tuple[str, str]]:
    """Return what became of each delivery, and why."""
    return [(str(each.state), each.reason) for each in room.store.deliveries.values()]


async def test_inventory_staff_are_notified_of_a_shortage(room: NotificationsHarness) -> None:
    employ(room, STAFF_CONTACT)
    await room.notify(a_shortage())
    await deliver(room)

    assert [(email.to, email.subject) for email in room.email.asked] == [
        ("stores@example.org", "Out of stock: SU-EXAM-KIT")
    ]
    assert "To: Meera Joshi" in room.email.asked[0].text
    assert [sms.to for sms in room.sms.asked] == ["+912025550123"]
    assert states(room) == [("sent", ""), ("sent", "")]


async def test_a_shortage_notice_without_an_address_is_suppressed_and_not_retried(room: NotificationsHarness) -> None:
    employ(room, Contact(name="The stores", email="", phone="", language="en"))
    await room.notify(a_shortage())

    assert await deliver(room) == [1, 1]
    assert states(room) == [("suppressed", "no email address"), ("suppressed", "no sms address")]
    assert await deliver(room) == [0, 0]
    assert not room.email.asked
    assert not room.sms.asked


async def test_students_are_told_as_ever(room: NotificationsHarness) -> None:
    employ(room, STAFF_CONTACT)
    room.dispatch = replace(room.dispatch, templates=NotificationsHarness().dispatch.templates)
    await room.notify(a_notice(await room.enrol()))
    await room.dispatch(Channel.EMAIL)

    assert [email.to for email in room.email.asked] == ["asha.1@example.org"]


async def test_the_roster_is_not_queried_for_staff() -> None:
    contacts = StaffContacts({INVENTORY_STAFF: STAFF_CONTACT}, AwayContacts())

    assert await contacts.of({INVENTORY_STAFF}) == {INVENTORY_STAFF: STAFF_CONTACT}
