"""The roster, and the adapters through which other contexts read it."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from config.container import Application, running
from config.sections.office import Inventory
from core.fees.errors import UnknownCandidate
from core.kernel.errors import Conflict
from core.notifications.messages import Contact
from core.notifications.staff import INVENTORY_STAFF
from core.students.roster import read_rows
from core.students.student import Student
from tests.applications import an_application
from tests.databases import statements
from tests.examples import a_student, an_enrolment, enrol, ids
from tests.units_of_work import any_work


async def test_a_student_comes_back_as_they_were_enrolled(stored: Application) -> None:
    student = a_student(1, name="आशा कुलकर्णी", certificates=frozenset({"pwbd", "third-gender"}), centre="DEL-1")
    await enrol(stored, student, a_student(2))

    async with any_work(stored) as work:
        known = await work.students.lock(["t-1", "t-9"])

    assert known == {"t-1": student}


async def test_a_student_is_replaced_not_doubled(stored: Application) -> None:
    student = a_student(1)
    moved = Student(id=student.id, enrolment=an_enrolment(1, email="new@example.org"))
    await enrol(stored, student)
    await enrol(stored, moved)

    async with any_work(stored) as work:
        assert await work.students.lock(["t-1"]) == {"t-1": moved}


async def test_all_spellings_of_a_registration_find_one_student(stored: Application) -> None:
    student = a_student(registration="B.A. (Hons) & 17/a")
    await enrol(stored, student)

    async with any_work(stored) as work:
        assert await work.students.find("b.a. (hons)  & 17/A ") == student
        assert await work.students.lock(["b.a. (hons) & 17/a", "t-1"]) == {"b.a. (hons) & 17/a": student}
        assert [await work.students.find(text) for text in ("", "T" * 33, "ſ", "T-1")] == [None] * 4
    candidate = await stored.fees.candidates().find("B.A. (HONS) & 17/A")
    assert (candidate.id, candidate.registration) == (student.id, "B.A. (Hons) & 17/a")


async def test_two_spellings_of_a_registration_are_never_two_students(stored: Application) -> None:
    await enrol(stored, a_student(registration="SU-1"))

    async with any_work(stored) as work:
        work.students.add(a_student(registration="su-1"))
        with pytest.raises(Conflict):
            await work.commit()


async def test_simultaneous_imports_of_one_roster_add_each_student_once(stored: Application) -> None:
    async def roster() -> AsyncIterator[bytes]:
        yield b"registration,name,category\n" + b"".join(b"T-%d,Asha,general\n" % number for number in range(2_000))

    imports = [stored.use_cases().students.import_students(read_rows(roster())) for _ in range(6)]
    reports = await asyncio.gather(*imports)

    assert sum(report.added for report in reports) == 2_000
    assert sum(report.unchanged for report in reports) == 5 * 2_000
    assert {(report.read, report.changed, report.rejected) for report in reports} == {(2_000, 0, 0)}


async def test_simultaneous_imports_of_different_columns_lose_nothing(stored: Application) -> None:
    async def roster(column: bytes, value: bytes) -> AsyncIterator[bytes]:
        rows = b"".join(b"T-%d,Asha,general,%s\n" % (number, value) for number in range(1_000))
        yield b"registration,name,category," + column + b"\n" + rows

    await asyncio.gather(
        *(
            stored.use_cases().students.import_students(read_rows(roster(column, value)))
            for column, value in ((b"centre", b"DEL-1"), (b"certificates", b"pwbd"), (b"language", b"hi"))
        )
    )

    async with any_work(stored) as work:
        found = await work.students.lock([f"t-{number}" for number in range(1_000)])
    assert len(found) == 1_000
    assert {
        (each.enrolment.centre, each.enrolment.certificates, each.enrolment.language) for each in found.values()
    } == {("DEL-1", frozenset({"pwbd"}), "hi")}


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
    async with running(an_application(msgspec.structs.replace(stored.settings(), inventory=staff))) as application:
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
