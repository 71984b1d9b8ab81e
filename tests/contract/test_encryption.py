"""Personal data in the database: encrypted, bound to their row, and encrypted anew with another key."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, literal_column, select, update

from adapters.sql.engine.tables import column_encryption
from adapters.sql.identity.session_tables import second_factors
from adapters.sql.schema import metadata
from adapters.sql.students.tables import erasures, students
from config.container import Application, running
from config.sections.identity import Encryption
from config.sections.section import Secret
from config.sections.vendors import Sandbox
from config.settings import Settings
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.decisions import Decision
from core.kernel.encryption import NoEncryptionKey, Undecipherable, create_key
from core.kernel.errors import Invalid
from core.kernel.pace import Pace
from core.notifications.delivery import Channel, DeliveryState, Notice, RecipientId
from core.students.roster import read_rows
from core.students.roster_report import RosterReport
from core.students.rotate_encryption import RotationReport
from core.students.student import Student
from entrypoints.routes import ROUTES
from tests.databases import DatabasePool
from tests.examples import a_message, a_request, a_schedule, a_student, enrol, ids, publish
from tests.unit.identity.harness import Office
from tests.units_of_work import any_work

EMAIL, PHONE = "canary.of.asha@mail.example.org", "+91 98230 41567"
PERSONAL = re.compile(rb"canary.of.asha|9823041567|98230.41567|mail\.example\.org", re.IGNORECASE)
UNKNOWN_KEY = b"\1\0\x09" + bytes(40)
ASKED = Decision(who="meera", why="request of 3 November")
stored_only = pytest.mark.parametrize("stored_settings", ["mysql", "sqlite"], indirect=True)
Opened = Callable[[str], Any]


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "sent.jsonl"


@pytest.fixture
def stored_settings(stored_settings: Settings, record: Path) -> Settings:
    adapters = msgspec.structs.replace(stored_settings.adapters, email=("sandbox",), sms=("sandbox",))
    return msgspec.structs.replace(stored_settings, adapters=adapters, sandbox=Sandbox(record_path=str(record)))


@pytest.fixture
async def with_keys(stored_settings: Settings, prepared: DatabasePool) -> AsyncIterator[Opened]:
    """Return a function that opens one database with other keys."""
    async with prepared.acquire(stored_settings) as settings:

        @asynccontextmanager
        async def opened(keys: str) -> AsyncIterator[Application]:
            given = msgspec.structs.replace(settings, encryption=Encryption(keys=Secret(keys)))
            async with running(Application(settings=given, routes=ROUTES)) as application:
                yield application

        yield opened


async def import_asha(application: Application) -> Student:
    async def roster() -> AsyncIterator[bytes]:
        yield f"registration,name,category,email,phone\nT-1,Asha,student,{EMAIL},{PHONE}\n".encode()

    await application.use_cases().students.import_students(read_rows(roster()))
    async with any_work(application) as work:
        found: Student = await work.students.find("T-1")
    return found


async def notify(application: Application, *recipients: Student) -> None:
    facts = {"reference": "BF-1", "schedule_title": "A test", "total": {"minor": 1, "currency": "INR"}}
    for each in recipients:
        notice = Notice(
            notice=ids.new(), about=ids.new(), recipient=RecipientId(each.id), template="fee_submitted",
            facts=facts | {"pay_by": None, "lines": []},
        )  # fmt: skip
        await application.use_cases().notifications.send_notice(notice)


async def dispatch(application: Application) -> None:
    for channel in Channel:
        await application.use_cases().dispatch.dispatch_deliveries(channel)


async def dump(application: Application) -> bytes:
    """Return every value of every table."""
    values: list[bytes] = []
    async with application.storage.database().reading() as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(select(literal_column("*")).select_from(table)):
                values += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(values)


async def execute(application: Application, statement: Any) -> None:
    async with application.storage.database().transaction() as (connection, transaction):
        await connection.execute(statement)
        await transaction.commit()


async def rotate(application: Application, pace: Pace | None = None) -> RotationReport:
    report: RotationReport = await application.use_cases().students.rotate_encryption(pace or Pace(), lambda _: None)
    return report


async def reasons(application: Application) -> dict[RecipientId, tuple[DeliveryState, str]]:
    table = metadata.tables["deliveries"]
    async with application.storage.database().reading() as connection:
        rows = await connection.execute(select(table).where(table.c.channel == "email"))
    return {row.student_id: (DeliveryState(row.state), row.reason) for row in rows}


@stored_only
async def test_a_dump_of_the_database_has_no_address_and_no_number(stored: Application, record: Path) -> None:
    await publish(stored, a_schedule())
    asha = await import_asha(stored)
    await stored.use_cases().fees.submit_exam_fee(
        ExamFeeSubmission(schedule="sahyadri-test", registration="T-1", papers=("041",)), a_request()
    )
    await notify(stored, asha)
    await dispatch(stored)
    async with stored.messaging.new_inbox() as inbox:
        await stored.use_cases().messaging.bury_message(
            a_message(context="fees.commands", body=b'{"registration":"T-1"}'), Invalid("no such paper"), inbox
        )
        await inbox.commit()

    assert PERSONAL.search(record.read_bytes()), "nothing was sent"
    content = await dump(stored)
    assert b"T-1" in content
    assert not PERSONAL.search(content)


async def test_contacts_come_back_as_they_were_imported(stored: Application) -> None:
    asha = await import_asha(stored)
    contacts = await stored.notifications.contacts().of([RecipientId(asha.id)])

    assert (asha.enrolment.email, asha.enrolment.phone) == (EMAIL, "+919823041567")
    assert contacts[RecipientId(asha.id)].email == EMAIL


@stored_only
@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda _: func.substr(students.c.encrypted_email, 1, 20), "cut short"),
        (lambda _: students.c.encrypted_phone, "belongs to another row or column"),
        (lambda other: other, "belongs to another row or column"),
    ],
    ids=["truncated", "of another column", "of another row"],
)
async def test_a_damaged_address_is_refused_alone_and_by_name(
    stored: Application, record: Path, damage: Callable[[Any], Any], fault: str
) -> None:
    asha, meera = a_student(1), a_student(2)
    await enrol(stored, asha, meera)
    async with stored.storage.database().reading() as connection:
        of_meera = await connection.scalar(select(students.c.encrypted_email).where(students.c.id == meera.id))
    await execute(stored, update(students).where(students.c.id == asha.id).values(encrypted_email=damage(of_meera)))
    await notify(stored, asha, meera)
    await dispatch(stored)

    told = await reasons(stored)
    state, reason = told[RecipientId(asha.id)]
    assert state is DeliveryState.PENDING
    assert "students.encrypted_email" in reason
    assert fault in reason
    assert told[RecipientId(meera.id)][0] is DeliveryState.SENT
    assert asha.enrolment.email not in record.read_text()
    with pytest.raises(Undecipherable, match=fault):
        await stored.use_cases().students.find_student("T-1")


async def import_roster(application: Application, *lines: str) -> RosterReport:
    async def roster() -> AsyncIterator[bytes]:
        yield "\n".join(["registration,name,category,email,phone", *lines]).encode()

    report: RosterReport = await application.use_cases().students.import_students(read_rows(roster()))
    return report


@stored_only
async def test_one_unreadable_address_blocks_no_import_and_no_erasure(stored: Application) -> None:
    erase, find = stored.use_cases().students.erase_student, stored.use_cases().students.find_student
    damage = update(students).where(students.c.registration == "T-1").values(encrypted_email=UNKNOWN_KEY)
    await enrol(stored, a_student(1), a_student(2))
    await execute(stored, damage)
    rows = ["T-2,Meera Rao,student,,", "T-3,Ravi,student,,"]

    refused = await import_roster(stored, "T-1,Asha,student,,", *rows)
    mended = await import_roster(stored, "T-1,Asha,student,asha@mail.example.org,", *rows)

    assert (refused.added, refused.changed, refused.rejected) == (1, 1, 1)
    [bad] = refused.bad_rows
    assert re.search(r"encrypted_email of .* is encrypted with the key 9: add the key .* a roster with", bad.reason)
    assert (mended.changed, mended.rejected) == (2, 0)  # the e-mail of T-2 is cleared
    assert (await find("T-1")).enrolment.email == "asha@mail.example.org"
    await execute(stored, damage)
    with pytest.raises(Undecipherable):
        await find("T-1")
    assert not (await erase("T-1", ASKED)).was_erased_before
    assert (await erase("T-1", ASKED)).was_erased_before


@stored_only
async def test_a_damaged_erasure_still_keeps_its_student_out(stored: Application) -> None:
    erase = stored.use_cases().students.erase_student
    await enrol(stored, a_student(1))
    await erase("T-1", ASKED)
    await execute(stored, update(erasures).values(encrypted_registration=UNKNOWN_KEY))

    report = await import_roster(stored, "T-1,Asha,student,,", "T-3,Ravi,student,,")

    assert (report.added, report.rejected) == (1, 1)
    assert (await erase("T-1", ASKED)).was_erased_before
    assert "encrypted with the key 9: add the key" in (await rotate(stored)).unreadable[0]


@stored_only
async def test_without_the_key_of_an_erasure_no_roster_brings_a_student_back(with_keys: Opened) -> None:
    first, second, third = (f"{number}:{create_key().partition(':')[2]}" for number in (1, 2, 1))
    async with with_keys(first) as application:
        await enrol(application, a_student(1, email="", phone=""), a_student(2, email="", phone=""))
        await application.use_cases().students.erase_student("T-1", ASKED)
    for keys in second, f"{second}\n{third}":
        async with with_keys(keys) as application:
            report = await import_roster(application, "t-1,Asha,student,,", "T-2,Meera,student,,")
            assert (report.added, report.unchanged + report.changed, report.rejected) == (0, 1, 1)
            assert re.search("1 of the erased .* add the key", report.bad_rows[0].reason)
            with pytest.raises(Undecipherable, match="1 of the erased"):
                await application.use_cases().students.erase_student("T-1", ASKED)
    async with with_keys(f"{second}\n{first}") as application:
        report = await import_roster(application, "t-1,Asha,student,,", "T-3,Ravi,student,,")
        assert (report.added, report.rejected) == (1, 1)
        assert (await rotate(application)).encrypted == 1
    async with with_keys(second) as application:
        report = await import_roster(application, "t-1,Asha,student,,", "T-4,Ravi,student,,")
        assert (report.added, report.rejected) == (1, 1)


@stored_only
async def test_an_unknown_key_is_named_and_nothing_is_lost(with_keys: Opened, record: Path) -> None:
    first, other = create_key(), create_key()
    number = first.partition(":")[0]
    async with with_keys(first) as application:
        asha = await import_asha(application)
        await notify(application, asha)
    same_number = number + other[other.index(":") :]
    for keys, fault in (other, f"the key {number}: add the key"), (same_number, f"the key {number} is another one"):
        async with with_keys(keys) as application:
            with pytest.raises(Undecipherable, match=fault):
                await application.use_cases().students.find_student("T-1")
            [bad] = (await import_roster(application, "T-1,Asha,student,,")).bad_rows
            assert fault in bad.reason
            left = await rotate(application)
            assert (left.is_complete, len(left.unreadable)) == (False, 1)
            assert fault in left.unreadable[0]
    async with with_keys(f"{other},{first}") as application:
        await dispatch(application)

    assert EMAIL in record.read_text()


@stored_only
async def test_after_a_rotation_the_older_key_is_not_needed(with_keys: Opened) -> None:
    first, second = create_key(), create_key()
    async with with_keys(first) as application:
        await enrol(application, *(a_student(number) for number in range(1_300)))
    async with with_keys(f"{second}\n{first}") as application:
        stopped = Pace()
        stopped.stop.set()
        cut = await rotate(application, stopped)
        rest = await rotate(application)
        again = await rotate(application)
    async with with_keys(second) as application:
        found = await application.use_cases().students.find_student("T-1299")

    assert (cut.is_complete, 0 < cut.encrypted < 1_300) == (False, True)
    assert (rest.is_complete, rest.read, rest.encrypted) == (True, 1_300, 1_300 - cut.encrypted)
    assert again.encrypted == 0
    assert found.enrolment.email == "asha.1299@example.org"


@stored_only
async def test_plain_rows_are_read_and_written_until_a_rotation_and_refused_after_it(stored: Application) -> None:
    as_before = {"encrypted_email": None, "encrypted_phone": None}
    plain = {"email": "plain@mail.example.org", "phone": "+919823041567"}
    await execute(stored, update(column_encryption).values(state="plain"))
    old, new = a_student(1), a_student(2, email=EMAIL)
    await enrol(stored, old)
    await execute(stored, update(students).values(as_before | plain))
    await enrol(stored, new)
    assert PERSONAL.search(await dump(stored)), "processes of the version before cannot read it"
    assert (await stored.use_cases().students.find_student("T-1")).enrolment.email == plain["email"]

    report = await rotate(stored)
    await enrol(stored, a_student(3, email=EMAIL))

    assert (report.encrypted, report.is_complete) == (2, True)
    assert not PERSONAL.search(await dump(stored))
    assert (await stored.use_cases().students.find_student("T-1")).enrolment.email == plain["email"]
    await execute(stored, update(students).where(students.c.id == new.id).values(as_before | plain))
    with pytest.raises(Undecipherable, match="is not encrypted"):
        await stored.use_cases().students.find_student("T-2")


@pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
async def test_without_a_key_no_contact_is_stored(with_keys: Opened) -> None:
    async with with_keys("") as application:
        refused: Awaitable[Student] = import_asha(application)
        with pytest.raises(NoEncryptionKey, match="bursar encryption create-key"):
            await refused
        assert not PERSONAL.search(await dump(application))


@pytest.mark.parametrize("stored_settings", ["sqlite"], indirect=True)
async def test_an_own_file_has_a_key_beside_it_that_only_its_owner_reads(with_keys: Opened, tmp_path: Path) -> None:
    for _ in range(2):
        async with with_keys("") as application:
            assert (await import_asha(application)).enrolment.email == EMAIL
    key = tmp_path / "bursar.db.keys"

    assert key.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob("bursar.db.keys*")) == [key]


@stored_only
async def test_the_secret_of_a_second_factor_is_encrypted_rotated_and_bound_to_its_account(with_keys: Opened) -> None:
    first, second = create_key(), create_key()
    async with with_keys(first) as application:
        office = await Office.over(application).open()
        accounts = [await office.account() for _ in range(2)]
        apps = [await office.with_second_factor(await office.signed_in(each)) for each in accounts]
        content = await dump(application)
        assert not any(each.encode() in content for app in apps for each in (app.secret, *app.recovery_codes))
    async with with_keys(f"{second}\n{first}") as application:
        assert (await rotate(application)).encrypted == 2
    async with with_keys(second) as application, application.identity.new_work() as work:
        found = [await work.second_factors.lock(each.id) for each in accounts]
    assert [each.secret for each in found] == [app.secret for app in apps]

    async with with_keys(second) as application:
        of_other = select(second_factors.c.encrypted_secret).where(second_factors.c.id == accounts[1].id)
        async with application.storage.database().reading() as connection:
            moved = await connection.scalar(of_other)
        own = second_factors.c.id == accounts[0].id
        await execute(application, update(second_factors).where(own).values(encrypted_secret=moved))
        async with application.identity.new_work() as work:
            with pytest.raises(Undecipherable, match=r"second_factors\.encrypted_secret"):
                await work.second_factors.lock(accounts[0].id)
