"""An erased student: nothing leads to the person, and the fees stay."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from adapters.sql.students.tables import students
from config.container import Application
from core.fees.errors import UnknownCandidate, UnknownExamFee
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from core.messaging.dead_letters import DeadLetterFilter
from core.notifications.delivery import Channel, RecipientId
from core.students.errors import UnknownStudent
from core.students.roster import read_rows
from core.students.roster_report import RosterReport
from tests.contract.test_encryption import dump, notify
from tests.examples import NOON, a_message, a_schedule, a_student, enrol, publish
from tests.units_of_work import any_work

ASKED = Decision(who="meera", why="request of 3 November")
REGISTRATION = "Canary-77/A"


@pytest.fixture
async def submitted(stored: Application) -> Submission:
    await publish(stored, a_schedule())
    await enrol(stored, a_student(registration=REGISTRATION, name="Canaria Quill"), a_student(2))
    command = ExamFeeSubmission(schedule="sahyadri-test", registration=REGISTRATION, papers=("041",))
    made: Submission = await stored.use_cases().fees.submit_exam_fee(command, RequestContext(arrived=NOON))
    async with stored.messaging.new_inbox() as inbox:
        body = f'{{"registration":"{REGISTRATION}"}}'.encode()
        await inbox.bury(a_message(context="fees.commands", body=body), Invalid("no such paper"))
        await inbox.commit()
    async with any_work(stored) as work:
        found = await work.students.find(REGISTRATION)
    await notify(stored, found)
    return made


async def import_again(stored: Application) -> RosterReport:
    async def roster() -> AsyncIterator[bytes]:
        yield f"registration,name,category\n{REGISTRATION.upper()},Canaria,student\nT-3,Asha,student\n".encode()

    report: RosterReport = await stored.use_cases().students.import_students(read_rows(roster()))
    return report


async def test_a_fee_stays_valid_and_names_no_person(stored: Application, submitted: Submission) -> None:
    erase, show = stored.use_cases().students.erase_student, stored.use_cases().fees.show_exam_fee
    before = await show(str(submitted.id))
    preview = await erase(REGISTRATION, ASKED, dry_run=True)
    assert (await show(str(submitted.id))).registration == REGISTRATION
    report = await erase(REGISTRATION.lower(), ASKED)
    again = await erase(REGISTRATION, ASKED)
    after = await show(str(submitted.id))

    assert preview == report
    counts = (report.records.submissions, report.records.deliveries, report.records.dead_letters, report.records.named)
    assert counts == (1, 2, 1, 0)
    assert again.was_erased_before
    assert (before.registration, after.registration) == (REGISTRATION, "")
    assert (after.total, after.reference, after.lines) == (before.total, before.reference, before.lines)


@pytest.mark.parametrize("role", [Role.CLERK, Role.CANDIDATE])
async def test_an_erased_fee_does_not_exist_for_a_clerk_or_a_candidate(
    stored: Application, submitted: Submission, role: Role
) -> None:
    async with any_work(stored) as work:
        student = await work.students.find(REGISTRATION)
    scope = {"centre": "PUN-01"} if role is Role.CLERK else {"student": student.id}
    await stored.use_cases().students.erase_student(REGISTRATION, ASKED)

    with acting_as(Principal(subject="account:x", permissions=PERMISSIONS[role], **scope)):
        for name in (str(submitted.id), submitted.reference):
            with pytest.raises(UnknownExamFee, match=name):
                await stored.use_cases().fees.show_exam_fee(name)
    assert (await stored.use_cases().fees.show_exam_fee(submitted.reference)).total == submitted.total


@pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
async def test_a_dump_does_not_contain_the_erased_student(stored: Application, submitted: Submission) -> None:
    assert b"canary-77" in (await dump(stored)).lower()
    await stored.use_cases().students.erase_student(REGISTRATION, ASKED)
    content = (await dump(stored)).lower()

    assert b"canar" not in content
    assert submitted.reference.lower().encode() in content
    async with stored.storage.database().reading() as connection:
        assert len((await connection.execute(select(students.c.id))).all()) == 1


async def test_dead_letters_are_erased_in_every_spelling(stored: Application, submitted: Submission) -> None:
    spelt = [
        b'{"registration":"cAnArY-77/a"}',
        b'{"registration":" CANARY-77\\/A "}',
        b'{"registration":"Canary-77/A","pap',
    ]
    letters = [a_message(context="fees.commands", body=body) for body in (*spelt, b'{"registration":"Canary-77/AB"}')]
    for letter in letters:
        async with stored.messaging.new_inbox() as inbox:
            await inbox.bury(letter, Invalid("no such paper"))
            await inbox.commit()

    report = await stored.use_cases().students.erase_student(REGISTRATION, ASKED)

    assert report.records.dead_letters == 1 + len(spelt)
    left = await stored.use_cases().messaging.list_dead_letters(DeadLetterFilter(), None, 10)
    assert [each.id for each in left.items] == [letters[-1].id]


async def test_neither_a_roster_nor_a_submission_brings_the_student_back(
    stored: Application, submitted: Submission
) -> None:
    await stored.use_cases().students.erase_student(REGISTRATION, ASKED)
    report = await import_again(stored)

    assert (report.added, report.rejected) == (1, 1)
    assert [(each.line, "was erased" in each.reason) for each in report.bad_rows] == [(2, True)]
    with pytest.raises(UnknownStudent):
        await stored.use_cases().students.find_student(REGISTRATION)
    with pytest.raises(UnknownCandidate):
        command = ExamFeeSubmission(schedule="sahyadri-test", registration=REGISTRATION)
        await stored.use_cases().fees.submit_exam_fee(command, RequestContext(arrived=NOON))
    assert not await stored.notifications.contacts().of([RecipientId(submitted.student)])


async def test_a_message_that_waits_is_not_sent_to_an_erased_student(
    stored: Application, submitted: Submission
) -> None:
    await stored.use_cases().students.erase_student(REGISTRATION, ASKED)
    await stored.use_cases().dispatch.dispatch_deliveries(Channel.EMAIL)
    page = await stored.use_cases().fees.show_exam_fee(str(submitted.id))

    assert not [each for each in page.timeline if "accepted" in each.what]


async def test_only_an_administrator_erases(stored: Application, submitted: Submission) -> None:
    assert [role for role in Role if Permission.STUDENTS_ERASE in PERMISSIONS[role]] == [Role.ADMINISTRATOR]
    officer = Principal(subject="account:1", permissions=PERMISSIONS[Role.OFFICER])
    with acting_as(officer), pytest.raises(NotPermitted):
        await stored.use_cases().students.erase_student(REGISTRATION, ASKED)
    with pytest.raises(UnknownStudent):
        await stored.use_cases().students.erase_student("T-99", ASKED)
