"""Statements that are sent to MySQL together behave like statements that are sent one by one."""

import asyncio
from collections import Counter
from uuid import uuid4

import pytest
from asyncmy.connection import MySQLResult
from sqlalchemy import event, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from adapters.sql.engine import pipelining
from adapters.sql.engine.database import Database
from adapters.sql.engine.pipelining import Pipeline
from config.container import Application
from core.fees.submission import Submission, SubmissionId
from core.kernel.errors import Unavailable
from tests import databases
from tests.examples import a_request, a_submission, unpublished
from tests.units_of_work import any_work

pytestmark = pytest.mark.parametrize("stored_settings", ["mysql"], indirect=True)
TOLD = ["received", "stored"]
INSERT, VALUES = "INSERT INTO publications (event_id, at) VALUES (%s, NOW())", (uuid4().bytes,)


async def submit(application: Application) -> Submission:
    """Store a submission, its event and its answer."""
    submission, submitted = a_submission()
    async with any_work(application) as work:
        work.submissions.add(submission)
        work.record(submitted)
        work.record_answer(a_request(str(submission.id)), submission)
        await work.commit()
    return submission


async def execute(sql: Database, *statements: tuple[str, tuple[object, ...]]) -> int:
    """Execute statements together in a transaction, and return what the same connection answers after them."""
    async with sql.transaction() as (connection, transaction):
        try:
            await connection.run_sync(Pipeline(statements).execute)
        except Exception:
            await transaction.rollback()
            await connection.scalar(select(text("1")))
            assert (await connection.execute(text("SELECT COUNT(*) FROM publications"))).scalar_one() == 0
            raise
        await transaction.commit()
        return (await connection.execute(text("SELECT COUNT(*) FROM publications"))).scalar_one()


async def test_a_commit_sends_its_rows_of_all_tables_at_once(stored: Application) -> None:
    await submit(stored)
    seen, engine = Counter[str](), stored.storage.database().engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *_: seen.update(["statements"]))

    await submit(stored)

    assert seen["statements"] == 1
    assert len(await unpublished(stored)) == 2


async def test_a_read_asks_all_tables_at_once(stored: Application) -> None:
    submission, fees = await submit(stored), stored.fees.exam_fees()
    await fees.find(submission.id)
    seen, engine = Counter[str](), stored.storage.database().reader.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *_: seen.update(["statements"]))

    found = await asyncio.gather(*(fees.find(each) for each in (submission.id, SubmissionId(uuid4()), submission.id)))

    assert seen["statements"] == 2, "the first alone, and those that came meanwhile"
    assert [each and [entry.what for entry in each.timeline] for each in found] == [TOLD, None, TOLD]


async def test_results_that_stay_unread_reach_no_other_request(
    stored: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two fees are found by reads that follow one whose first result could not be decoded."""
    first, second, fees = await submit(stored), await submit(stored), stored.fees.exam_fees()

    class Undecodable(MySQLResult):
        async def read_binary(self, statement: object = None) -> None:
            await super().read_binary(statement)
            raise UnicodeDecodeError("utf-8", b"", 0, 0, "the driver cannot decode it")

    with monkeypatch.context() as driver, pytest.raises((Unavailable, UnicodeDecodeError)):
        driver.setattr(pipelining, "MySQLResult", Undecodable)
        await fees.find(first.id)

    found = [await fees.find(each.id) for each in (second, first)]
    assert [each and each.reference for each in found] == [second.reference, first.reference]


async def test_of_statements_with_a_failed_one_nothing_stays(stored: Application) -> None:
    sql = stored.storage.database()
    other = INSERT, (uuid4().bytes,)

    with pytest.raises(IntegrityError):
        await execute(sql, (INSERT, VALUES), (INSERT, VALUES), other)

    assert await execute(sql, (INSERT, VALUES), other) == 2


async def test_a_value_that_cannot_be_encoded_leaves_no_results_unread(stored: Application) -> None:
    with pytest.raises(UnicodeEncodeError):
        await execute(stored.storage.database(), (INSERT, VALUES), (INSERT, ("\ud800",)))


async def test_a_server_that_prepares_no_more_statements_executes_them_all(stored: Application) -> None:
    async with databases.root_of(stored.settings().mysql) as run:
        before = (await run("SELECT @@global.max_prepared_stmt_count"))[0][0]
        await run("SET GLOBAL max_prepared_stmt_count = 0")
        try:
            submission = await submit(stored)
            assert await stored.fees.exam_fees().find(submission.id)
            with pytest.raises(IntegrityError):
                await execute(stored.storage.database(), (INSERT, VALUES), (INSERT, VALUES))
        finally:
            await run(f"SET GLOBAL max_prepared_stmt_count = {before}")

    assert len(await unpublished(stored)) == 1


async def test_an_engine_that_was_not_prepared_for_it_refuses_several_statements(stored: Application) -> None:
    plain = create_async_engine(stored.storage.database().engine.url)

    with pytest.raises(LookupError, match="enable_pipelining"):
        async with plain.begin() as connection:
            await connection.run_sync(Pipeline([(INSERT, VALUES), (INSERT, VALUES)]).execute)

    await plain.dispose()
