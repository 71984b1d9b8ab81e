"""The privileges that deploy/grants.sql gives to the serving account, on a real MySQL."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from adapters.sql.engine.driver_errors import AccessRefused
from adapters.sql.schema import metadata
from config.container import Application, running
from config.sections.section import Secret
from config.sections.servers import MySQL
from config.settings import Adapters, Settings
from core.kernel.audit import Deed
from tests.databases import migrate, root_of
from tests.units_of_work import any_work

SCRIPT = Path(__file__).parents[2] / "deploy/grants.sql"
PASSWORD = "only-for-tests"
RECEIPTS = ("receipts", "receipt_voids")


def statements() -> list[str]:
    """Return the statements of the script; its only DELIMITER encloses the procedure."""
    code = re.sub(r"^--.*\n", "", SCRIPT.read_text(), flags=re.MULTILINE)
    before, procedure, after = re.split(r"DELIMITER .*\n", code)
    parts = [*re.split(r";\s", before), procedure.rstrip().removesuffix("//"), *re.split(r";\s", after)]
    return [part for part in parts if part.strip()]


@pytest.fixture
async def office(mysql: MySQL) -> AsyncIterator[Application]:
    """Return an application that serves with the account of the script, on a database of its name."""
    root = msgspec.structs.replace(mysql, database="bursar")
    async with root_of(root) as run:
        await run("DROP DATABASE IF EXISTS bursar")
        await run("CREATE DATABASE bursar")
        await migrate(Settings(adapters=Adapters(persistence="mysql"), mysql=root))
        await run(f"SET @migration_password = '{PASSWORD}', @office_password = '{PASSWORD}'")
        for statement in statements():
            await run(statement)
        served = msgspec.structs.replace(root, user="bursar", password=Secret(PASSWORD), tls="unverified")
        async with running(Application(settings=Settings(adapters=Adapters(persistence="mysql"), mysql=served))) as app:
            yield app
        await run("DROP DATABASE bursar")
        await run("DROP USER bursar, bursar_migration")


async def refusal(application: Application, statement: Any) -> str:
    async with application.storage.database().writing() as connection:
        try:
            await connection.execute(statement)
        except (AccessRefused, DatabaseError) as error:
            return str(error)
    return ""


async def test_the_serving_account_adds_to_what_happened_and_changes_none_of_it(office: Application) -> None:
    async with any_work(office) as work:
        work.audit(Deed(action="publish-fee-schedule", target="fee-schedule/neet"))
        await work.commit()
    assert await office.audit.chain().seal(10) == 1

    for name in (
        "event_log",
        "audit_records",
        "audit_seals",
        "submissions",
        "fee_schedules",
        "receipts",
        "receipt_voids",
    ):
        table = metadata.tables[name]
        column = next(iter(table.columns))
        assert "UPDATE command denied" in await refusal(office, update(table).values({column.name: column}))
        assert "DELETE command denied" in await refusal(office, delete(table))
        assert "denied" in await refusal(office, text(f"TRUNCATE {name}"))
        assert "denied" in await refusal(office, text(f"ALTER TABLE {name} ADD x INT"))
    for name in ("erasures", "receipt_counters"):
        assert "DELETE command denied" in await refusal(office, delete(metadata.tables[name]))
    shared_lock = select(metadata.tables["event_log"]).with_for_update(read=True)  # by which a lost commit is told
    assert await refusal(office, shared_lock) == ""
    assert (await office.audit.chain().head()).count == 1
