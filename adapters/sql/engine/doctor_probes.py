"""What `bursar doctor` examines of a database that answers: its settings, the privileges of the account, its age."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.database import Database
from adapters.sql.engine.schema_version import JOURNAL, current_version, is_newer, required_version
from adapters.sql.engine.tables import metadata
from core.kernel.health import Probe, Unfit

OWN_TABLES = {"alembic_version", JOURNAL}
PRIVILEGED = " UNION ".join(
    f"SELECT {table} FROM information_schema.{of}_privileges WHERE privilege_type = 'INSERT'"  # noqa: S608 - constants
    " AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), '''')" + condition
    for of, table, condition in (
        ("user", "'*'", ""),
        ("schema", "'*'", " AND DATABASE() LIKE table_schema"),
        ("table", "table_name", " AND table_schema = DATABASE()"),
    )
)
"""The tables that the account may insert into, `*` for all."""
DURABLE: Mapping[str, str] = {"innodb_flush_log_at_trx_commit": "1", "sync_binlog": "1"}
"""Other values lose committed transactions when the machine fails."""


class SchemaAgeProbe(Probe):
    """Tells whether another release has migrated the schema."""

    name, remedy = "schema", "finish the upgrade: run the release that migrated it"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> str:
        async with self._database.reading() as connection:
            version = await connection.run_sync(current_version)
        if is_newer(version, needed := required_version()):
            raise Unfit(f"the schema is at {version}, and this program's is {needed}: it is the older one", self.remedy)
        return f"not newer than {needed}"


class PrivilegesProbe(Probe):
    """Tells which tables the account may not write; one that has roles is not examined."""

    name = "privileges (mysql)"
    remedy = "run deploy/grants.sql again, as an administrator and after each migration"

    def __init__(self, database: Database) -> None:
        self._database = database

    async def check(self) -> str:
        async with self._database.reading() as connection:
            if (await connection.scalar(text("SELECT CURRENT_ROLE()"))) != "NONE":
                return "by roles"
            granted = set((await connection.scalars(text(PRIVILEGED))).all())
            present = set((await connection.scalars(text("SHOW TABLES"))).all())
        missing = sorted(present.intersection(metadata.tables) - OWN_TABLES - granted) if "*" not in granted else []
        if missing:
            raise Unfit(f"the account may not insert into {', '.join(missing[:5])}, {len(missing)} tables", self.remedy)
        return "the account may write every table"


class ServerSettingsProbe(Probe):
    """Tells whether the server keeps what it has committed, can be restored to a moment, and has room for the pools."""

    name, remedy = "server settings (mysql)", "correct them in the configuration of MySQL"

    def __init__(self, database: Database, connections: int, processes: int) -> None:
        self._database, self._needed = database, 2 * connections * processes  # each process has two pools

    async def check(self) -> str:
        async with self._database.reading() as connection:
            found = await variables(connection, *DURABLE, "log_bin", "binlog_format", "max_connections")
            isolation = await connection.scalar(text("SELECT @@transaction_isolation"))
        if isolation != "READ-COMMITTED":
            raise Unfit(f"the session has {isolation}", "let no proxy change transaction_isolation: READ-COMMITTED")
        if wrong := {name: found[name] for name, value in DURABLE.items() if found[name] != value}:
            told = ", ".join(f"{name} is {value}" for name, value in wrong.items())
            raise Unfit(f"{told}: committed transactions can be lost", "set each to 1")
        if found["log_bin"] != "ON":
            raise Unfit("log_bin is OFF: a restore loses all since the dump", "start MySQL with the binary log")
        if found["binlog_format"] != "ROW":
            raise Unfit(f"binlog_format is {found['binlog_format']}: MySQL refuses READ COMMITTED", "set it to ROW")
        if int(found["max_connections"]) < self._needed:
            raise Unfit(
                f"max_connections is {found['max_connections']}, and the processes of this machine open up to"
                f" {self._needed}",
                "raise max_connections, or lower mysql.connections or http.workers",
            )
        return f"durable, restorable, room for {self._needed} connections"


async def variables(connection: AsyncConnection, *names: str) -> dict[str, str]:
    """Return global variables of MySQL."""
    named = ", ".join(f"'{name}'" for name in names)
    rows: Any = await connection.execute(text(f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({named})"))
    return {row.Variable_name: row.Value for row in rows}
