"""Notices to staff."""

from dataclasses import replace

import pytest

from adapters.jinja.templates import JinjaTemplates
from adapters.memory.students.roster import MemoryContacts
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
def harness() -> NotificationsHarness:
    return NotificationsHarness()


def employ(harness: NotificationsHarness, storekeeper: Contact) -> None:
    """Configure the contact of the inventory staff."""
    contacts = StaffContacts({INVENTORY_STAFF: storekeeper}, MemoryContacts(harness.store))
    harness.dispatch = replace(harness.dispatch, contacts=contacts, templates=JinjaTemplates())


def a_shortage() -> Notice:
    return Notice(notice=ids.new(), about=ids.new(), recipient=INVENTORY_STAFF, template="out_of_stock", facts=FACTS)


async def deliver(harness: NotificationsHarness) -> list[int]:
    return [await harness.dispatch(channel) for channel in Channel]


def states(harness: NotificationsHarness) -> list[tuple[str, str]]:
    """Return the state and reason of each delivery."""
    return [(str(each.state), each.reason) for each in harness.store.deliveries.values()]


async def test_inventory_staff_are_notified_of_a_shortage(harness: NotificationsHarness) -> None:
    employ(harness, STAFF_CONTACT)
    await harness.notify(a_shortage())
    await deliver(harness)

    assert [(email.to, email.subject) for email in harness.email.asked] == [
        ("stores@example.org", "Out of stock: SU-EXAM-KIT")
    ]
    assert "To: Meera Joshi" in harness.email.asked[0].text
    assert [sms.to for sms in harness.sms.asked] == ["+912025550123"]
    assert states(harness) == [("sent", ""), ("sent", "")]


async def test_a_shortage_notice_without_an_address_is_suppressed_and_not_retried(
    harness: NotificationsHarness,
) -> None:
    employ(harness, Contact(name="The stores", email="", phone="", language="en"))
    await harness.notify(a_shortage())

    assert await deliver(harness) == [1, 1]
    assert states(harness) == [("suppressed", "no email address"), ("suppressed", "no sms address")]
    assert await deliver(harness) == [0, 0]
    assert not harness.email.asked
    assert not harness.sms.asked


async def test_students_are_told_as_ever(harness: NotificationsHarness) -> None:
    employ(harness, STAFF_CONTACT)
    harness.dispatch = replace(harness.dispatch, templates=NotificationsHarness().dispatch.templates)
    await harness.notify(a_notice(await harness.enrol()))
    await harness.dispatch(Channel.EMAIL)

    assert [email.to for email in harness.email.asked] == ["asha.1@example.org"]


async def test_the_roster_is_not_queried_for_staff() -> None:
    contacts = StaffContacts({INVENTORY_STAFF: STAFF_CONTACT}, AwayContacts())

    assert await contacts.of({INVENTORY_STAFF}) == {INVENTORY_STAFF: STAFF_CONTACT}
