"""The stage of disk: what a submission with everything that follows it leaves in the files of MySQL."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from benchmarks import seed
from benchmarks.environment import BenchmarkEnvironment, Figures
from config.container import Application
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext

AT_ONCE = 64
SIZES = """SELECT SUBSTRING_INDEX(name, '/', -1), file_size FROM information_schema.innodb_tablespaces
    WHERE name LIKE '{}/%'"""
FLEETING = {"outbox", "requests", "inbox"}
"""Tables whose rows are deleted, at once or by retention."""
UNDER_WAY = """SELECT (SELECT COUNT(*) FROM outbox)
    + (SELECT COUNT(*) FROM deliveries WHERE state IN ('pending', 'sending'))"""


def disk(environment: BenchmarkEnvironment, number: int) -> Figures:
    """Measure the bytes that a number of submissions, their events and their deliveries add."""
    names = seed.candidates(environment, number, "load")
    before, logged = sizes(environment), binary_log(environment)
    with without_flushes(environment):
        environment.prepare(lambda application: submit_all(application, names))
        with environment.serve("relay,consumer") as process, environment.serve("dispatcher"):
            process.until(lambda: environment.sql(UNDER_WAY)[0][0] == 0)
    grown = {table: size - before.get(table, 0) for table, size in sizes(environment).items()}
    return {
        "disk, bytes a submission": sum(grown.values()) / number,
        "disk, bytes a submission, kept for good": sum(grown[each] for each in grown.keys() - FLEETING) / number,
        "disk, bytes a submission, binary log": (binary_log(environment) - logged) / number,
    }


@contextmanager
def without_flushes(environment: BenchmarkEnvironment) -> Iterator[None]:
    """Let no commit wait for the disk: the bytes are the same, and there are hundreds of thousands of commits."""
    names = ("sync_binlog", "innodb_flush_log_at_trx_commit")
    before = [environment.sql(f"SELECT @@GLOBAL.{name}")[0][0] for name in names]
    try:
        for name in names:
            environment.sql(f"SET GLOBAL {name} = 0")
        yield
    finally:
        for name, value in zip(names, before, strict=True):
            environment.sql(f"SET GLOBAL {name} = {value}")


async def submit_all(application: Application, names: list[str]) -> None:
    """Submit for each candidate, with an idempotency key."""
    submit, clock, left = application.use_cases().fees.submit_exam_fee, application.process.clock(), iter(names)

    async def client() -> None:
        for name in left:
            request = RequestContext(
                arrived=clock.now(), scope=f"{uuid4()} POST /v1/exam-fees", key=str(uuid4()), fingerprint=bytes(32)
            )
            await submit(ExamFeeSubmission(schedule="load", registration=name, papers=("041", "042")), request)

    await asyncio.gather(*(client() for _ in range(AT_ONCE)))


def sizes(environment: BenchmarkEnvironment) -> dict[str, int]:
    """Return the bytes of each table's file."""
    return dict(environment.sql(SIZES.format(environment.name)))


def binary_log(environment: BenchmarkEnvironment) -> int:
    """Return the bytes of the binary log."""
    return sum(int(size) for _, size, *_ in environment.sql("SHOW BINARY LOGS"))
