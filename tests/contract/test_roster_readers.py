"""The roster, and the adapters through which other contexts read it."""

import msgspec
import pytest

from config.container import Application, running
from config.settings import Inventory
from core.fees.errors import UnknownCandidate
from core.notifications.messages import Contact
from core.notifications.staff import INVENTORY_STAFF
from core.students.student import Student
from tests.databases import statements
from tests.examples import a_student, an_enrolment, enrol, ids
from tests.units_of_work import any_work


async def test_a_student_comes_back_as_they_were_enrolled(stored: Application) -> None:
    student = a_student(1, name="आशा कुलकर्णी", certificates=frozenset({"pwbd", "third-gender"}), centre="DEL-1")
    await enrol(stored, student, a_student(2))

    async with any_work(stored) as work:
        known = await work.students.by_registration(["T-1", "T-9"])

    assert known == {"T-1": student}


async def test_a_student_is_replaced_not_doubled(stored: Application) -> None:
    student = a_student(1)
    moved = Student(id=student.id, enrolment=an_enrolment(1, email="new@example.org"))
    await enrol(stored, student)
    await enrol(stored, moved)

    async with any_work(stored) as work:
        assert await work.students.by_registration(["T-1"]) == {"T-1": moved}


async def test_registrations_differ_by_case(stored: Application) -> None:
    await enrol(stored, a_student(1))

    with pytest.raises(UnknownCandidate):
        await stored.fees.candidates().find("t-1")


async def test_the_fees_context_sees_the_fields_that_pricing_needs(stored: Application) -> None:
    student = a_student(1, country="AE", certificates=frozenset({"pwbd"}))
    await enrol(stored, student)

    candidate = await stored.fees.candidates().find("T-1")

    assert (candidate.id, candidate.category, candidate.country, candidate.certificates) == (
        student.id,
        "student",
        "AE",
        frozenset({"pwbd"}),
    )


async def test_notifications_use_the_current_address(stored: Application) -> None:
    student = a_student(1, language="hi")
    await enrol(stored, student)
    await enrol(stored, Student(id=student.id, enrolment=an_enrolment(1, language="hi", phone="+441234567890")))

    contacts = await stored.notifications.contacts().of([student.id, ids.new()])

    assert contacts == {
        student.id: Contact(name="Asha 1", email="asha.1@example.org", phone="+441234567890", language="hi")
    }


async def test_inventory_staff_are_addressed_from_settings_and_students_from_the_roster(stored: Application) -> None:
    staff = Inventory(name="Meera Joshi", email="stores@example.org", phone="+919822555012", language="hi")
    async with running(
        Application(settings=msgspec.structs.replace(stored.settings(), inventory=staff))
    ) as application:
        student = a_student(1)
        await enrol(application, student)
        contacts = await application.notifications.contacts().of({INVENTORY_STAFF, student.id})

    assert contacts == {
        INVENTORY_STAFF: Contact(name="Meera Joshi", email="stores@example.org", phone="+919822555012", language="hi"),
        student.id: Contact(name="Asha 1", email="asha.1@example.org", phone="+919800000001", language="en"),
    }


async def test_inventory_staff_have_no_address_without_the_setting(stored: Application) -> None:
    contacts = await stored.notifications.contacts().of([INVENTORY_STAFF])

    assert contacts == {INVENTORY_STAFF: Contact(name="The stores", email="", phone="", language="en")}


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_a_malformed_registration_is_not_queried(stored: Application) -> None:
    await enrol(stored, a_student(1))
    candidates, asked = stored.fees.candidates(), statements(stored)

    with pytest.raises(UnknownCandidate):
        await candidates.find("T" * 1_000_000)
    assert not asked
    assert (await candidates.find("T-1")).registration == "T-1"
