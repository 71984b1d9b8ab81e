"""Fast creation of many rows: the product writes the first, and the database multiplies it."""

import time

from benchmarks.environment import BenchmarkEnvironment
from config.container import Application
from core.notifications.delivery import Channel, RecipientId
from tests.examples import a_delivery, a_schedule, a_student, a_submission, enrol, publish
from tests.units_of_work import any_work

AT_ONCE = 50_000
"""Rows per transaction: few enough that a rollback is fast."""

UNWRITTEN, FEW_PAGES, PATIENCE = "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'", 100, 60
"""A measurement starts when the server has at most 100 dirty pages, or after 60 seconds."""

FACTS: dict[str, object] = {
    "reference": "BF-7K3M-9QZ4-XA2B-C",
    "schedule_title": "A test",
    "total": "₹500.00",
    "pay_by": None,
    "lines": [],
}


def events(environment: BenchmarkEnvironment, number: int) -> None:
    """Insert events of as many aggregates into the outbox."""

    async def first(application: Application) -> None:
        async with any_work(application) as work:
            work.record(a_submission()[1])
            await work.commit()

    environment.prepare(first)
    aggregate = an_id("b")
    body = f"REPLACE(body, BIN_TO_UUID(aggregate_id), BIN_TO_UUID({aggregate}))"
    changed = {"event_id": an_id("a"), "aggregate_id": aggregate, "body": body}
    multiply(environment, "event_log", number - 1, changed)
    environment.sql(
        "INSERT INTO outbox (event_id, shard) SELECT event_id, CRC32(aggregate_id) % 64 FROM event_log"
        " WHERE event_id NOT IN (SELECT event_id FROM outbox) ORDER BY event_id"
    )
    environment.sql("ANALYZE TABLE outbox, event_log")


def deliveries(environment: BenchmarkEnvironment, number: int) -> None:
    """Insert text messages that are due to one student."""

    async def first(application: Application) -> None:
        student = a_student()
        await enrol(application, student)
        async with any_work(application) as work:
            work.deliveries.add(a_delivery(Channel.SMS, recipient=RecipientId(student.id), facts=FACTS))
            await work.commit()

    environment.prepare(first)
    multiply(environment, "deliveries", number - 1, {"id": an_id("c"), "notice_id": an_id("d")})
    environment.sql("ANALYZE TABLE deliveries")


def candidates(environment: BenchmarkEnvironment, number: int, *schedules: str, apart: int = 1) -> list[str]:
    """Insert candidates into the roster, publish a schedule, and return their registrations.

    `apart` is the factor by which the roster would be larger: the ids have gaps as if others were between them.
    """

    async def first(application: Application) -> None:
        await enrol(application, a_student(1))
        for code in schedules:
            await publish(application, a_schedule(code))

    environment.prepare(first)
    # A copied value belongs to the row that it was encrypted for.
    environment.sql("UPDATE students SET encrypted_email = NULL, encrypted_phone = NULL, email = 'asha@example.org'")
    environment.sql("UPDATE column_encryption SET state = 'mixed'")
    multiply(environment, "students", number - 1, {"id": an_id("e", apart), "registration": "CONCAT('T-', i + 1)"})
    environment.sql("ANALYZE TABLE students")
    return [f"T-{at + 1}" for at in range(number)]


def roster(environment: BenchmarkEnvironment, number: int, schedule: str) -> list[str]:
    """Do the same through the product, for a database that cannot multiply rows; it is migrated first."""
    students = [a_student(at + 1) for at in range(number)]

    async def fill(application: Application) -> None:
        await application.storage.migrate()
        await application.use_cases().identity.create_signing_key()
        await environment.create_credentials(application)
        await publish(application, a_schedule(schedule))
        await enrol(application, *students)

    environment.prepare(fill)
    return [student.enrolment.registration for student in students]


def submissions(environment: BenchmarkEnvironment, number: int, among: int) -> None:
    """Insert submissions by students spread among very many, to fill the indexes."""
    environment.prepare(submit_one)
    reference = f"CONCAT('BF-', LPAD(CONV(i * {32**10 // number}, 10, 32), 10, '0'))"
    student = an_id("e", among // number)
    fee = {"id": an_id("b"), "reference": reference, "student_id": student, "schedule": "'of-others'"}
    multiply(environment, "submissions", number - 1, fee)
    multiply(environment, "event_log", number - 1, {"event_id": an_id("a"), "aggregate_id": an_id("b")})
    environment.sql("ANALYZE TABLE submissions, event_log")
    deadline = time.monotonic() + PATIENCE
    while int(environment.sql(UNWRITTEN)[0][1]) > FEW_PAGES and time.monotonic() < deadline:
        time.sleep(0.5)


async def submit_one(application: Application) -> None:
    """Submit one exam fee."""
    submission, submitted = a_submission()
    async with any_work(application) as work:
        work.submissions.add(submission)
        work.record(submitted)
        await work.commit()


def multiply(environment: BenchmarkEnvironment, table: str, number: int, changed: dict[str, str]) -> None:
    """Multiply the only row of a table, with some columns changed."""
    columns = [name for (name, *_, extra) in environment.sql(f"SHOW COLUMNS FROM {table}") if "GENERATED" not in extra]
    values = ", ".join(changed.get(column, column) for column in columns)
    environment.sql(f"CREATE TABLE original AS SELECT * FROM {table}")  # noqa: S608 - constant name
    for start in range(0, number, AT_ONCE):
        count = min(AT_ONCE, number - start)
        environment.sql(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 - constant names
            f" WITH RECURSIVE numbers (i) AS (SELECT {start + 1} UNION ALL"
            f" SELECT i + 1 FROM numbers WHERE i < {start + count})"
            f" SELECT /*+ SET_VAR(cte_max_recursion_depth = {AT_ONCE}) */ {values} FROM numbers, original"
        )
    environment.sql("DROP TABLE original")


def an_id(kind: str, apart: int = 1) -> str:
    """Return the SQL of an id that grows with the row number, as a UUIDv7 does."""
    number = f"HEX(i * {apart})"
    return f"UNHEX(CONCAT('019{kind}', LPAD({number}, 8, '0'), '7000', '8', LPAD({number}, 15, '0')))"
