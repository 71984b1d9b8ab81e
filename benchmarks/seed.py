"""Many rows, made fast: the product writes the first one, and the database multiplies it."""

import time

from benchmarks.environment import Office
from config.container import Application
from core.notifications.delivery import Channel, RecipientId
from tests.examples import a_delivery, a_schedule, a_student, a_submission, enrol, publish

AT_ONCE = 50_000
"""Rows per transaction: enough to be fast, not so many that undoing them would hurt."""

UNWRITTEN, FEW_PAGES, PATIENCE = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'", 100, 60
"""What the server still has to write, which whoever is measured shall not wait for; and our seconds for it."""

FACTS: dict[str, object] = {
    "reference": "BF-7K3M-9QZ4-XA2B-C",
    "schedule_title": "A test",
    "total": "₹500.00",
    "pay_by": None,
    "lines": [],
}


def events(office: Office, number: int) -> None:
    """Put so many events of as many aggregates into the outbox."""

    async def first(application: Application) -> None:
        async with application.driven.new_work() as work:
            work.record(a_submission()[1])
            await work.commit()

    office.prepare(first)
    aggregate = an_id("b")
    body = f"REPLACE(body, BIN_TO_UUID(aggregate_id), BIN_TO_UUID({aggregate}))"
    changed = {"event_id": an_id("a"), "aggregate_id": aggregate, "body": body}
    multiply(office, "event_log", number - 1, changed)
    office.sql(
        "INSERT INTO outbox (event_id, shard) SELECT event_id, CRC32(aggregate_id) % 64 FROM event_log"
        " WHERE event_id NOT IN (SELECT event_id FROM outbox) ORDER BY event_id"
    )
    office.sql("ANALYZE TABLE outbox, event_log")


def deliveries(office: Office, number: int) -> None:
    """Let so many text messages be due to one patient student."""

    async def first(application: Application) -> None:
        student = a_student()
        await enrol(application, student)
        async with application.driven.new_work() as work:
            work.deliveries.add(a_delivery(Channel.SMS, recipient=RecipientId(student.id), facts=FACTS))
            await work.commit()

    office.prepare(first)
    multiply(office, "deliveries", number - 1, {"id": an_id("c"), "notice_id": an_id("d")})
    office.sql("ANALYZE TABLE deliveries")


def candidates(office: Office, number: int, *schedules: str, apart: int = 1) -> list[str]:
    """Put so many candidates on the roster, publish what they can submit, and return their registrations.

    `apart` says how many students there would have to be for these to be some among them.
    """

    async def first(application: Application) -> None:
        await enrol(application, a_student(1))
        for code in schedules:
            await publish(application, a_schedule(code))

    office.prepare(first)
    multiply(office, "students", number - 1, {"id": an_id("e", apart), "registration": "CONCAT('T-', i + 1)"})
    office.sql("ANALYZE TABLE students")
    return [f"T-{at + 1}" for at in range(number)]


def roster(office: Office, number: int, schedule: str) -> list[str]:
    """Do the same where no database can multiply rows: the product writes them all."""
    students = [a_student(at + 1) for at in range(number)]

    async def fill(application: Application) -> None:
        await application.driven.migrate()
        await publish(application, a_schedule(schedule))
        await enrol(application, *students)

    office.prepare(fill)
    return [student.enrolment.registration for student in students]


def submissions(office: Office, number: int, among: int) -> None:
    """Let so many of very many students submit, so that indexes are as they would be; the product writes the first."""
    office.prepare(submit_one)
    reference = f"CONCAT('BF-', LPAD(CONV(i * {32**10 // number}, 10, 32), 10, '0'))"
    student = an_id("e", among // number)
    fee = {"id": an_id("b"), "reference": reference, "student_id": student, "schedule": "'of-others'"}
    multiply(office, "submissions", number - 1, fee)
    multiply(office, "event_log", number - 1, {"event_id": an_id("a"), "aggregate_id": an_id("b")})
    office.sql("ANALYZE TABLE submissions, event_log")
    deadline = time.monotonic() + PATIENCE
    while int(office.sql(UNWRITTEN)[0][1]) > FEW_PAGES and time.monotonic() < deadline:
        time.sleep(0.5)


async def submit_one(application: Application) -> None:
    """Let somebody submit."""
    submission, submitted = a_submission()
    async with application.driven.new_work() as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()


def multiply(office: Office, table: str, number: int, changed: dict[str, str]) -> None:
    """Repeat the only row of a table, with some columns changed."""
    columns = [name for (name, *_) in office.sql(f"SHOW COLUMNS FROM {table}")]
    values = ", ".join(changed.get(column, column) for column in columns)
    office.sql(f"CREATE TABLE original AS SELECT * FROM {table}")  # noqa: S608 - a name of ours
    for start in range(0, number, AT_ONCE):
        count = min(AT_ONCE, number - start)
        office.sql(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - names of ours
            f" WITH RECURSIVE numbers (i) AS (SELECT {start + 1} UNION ALL"
            f" SELECT i + 1 FROM numbers WHERE i < {start + count})"
            f" SELECT /*+ SET_VAR(cte_max_recursion_depth = {AT_ONCE}) */ {values} FROM numbers, original"
        )
    office.sql("DROP TABLE original")


def an_id(kind: str, apart: int = 1) -> str:
    """Return the SQL of an id that grows with the row's number, as a UUIDv7 does."""
    number = f"HEX(i * {apart})"
    return f"UNHEX(CONCAT('019{kind}', LPAD({number}, 8, '0'), '7000', '8', LPAD({number}, 15, '0')))"
