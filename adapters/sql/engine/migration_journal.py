"""Records the statements of a migration that was begun, so that a cut one continues where it stopped.

MySQL commits at every DDL statement. The record of a statement is written behind it: that of a data statement in its
own transaction, that of a DDL statement in the next one. After a cut exactly the committed data statements are
recorded, and at most one executed DDL statement is not.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, event, inspect

from adapters.sql.engine.existing_objects import had_effect
from adapters.sql.engine.online_changes import LIMIT_WAIT, execute_online
from adapters.sql.engine.schema_version import JOURNAL

CREATE = f"""
CREATE TABLE IF NOT EXISTS {JOURNAL} (
    revision VARCHAR(32) NOT NULL, direction VARCHAR(4) NOT NULL, statement BINARY(32) NOT NULL,
    occurrence INTEGER NOT NULL, PRIMARY KEY (revision, direction, statement, occurrence)
)"""
BEGUN = bytes(32)
"""Stands for the begin of a migration."""
LAST_REVISION_WITHOUT_JOURNAL = "0010"
"""Older programs ran the revisions up to this one without a journal."""
WRITES = re.compile(r"\s*(CREATE|ALTER|DROP|RENAME|TRUNCATE|INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
SEED_ROWS = re.compile(r"\s*INSERT INTO .+? VALUES\b", re.IGNORECASE | re.DOTALL)
DUPLICATE_ROW = 1062
Step = tuple[str, str]
"""A revision and a direction: `up` or `down`."""
Execute = Callable[..., Any]


class MigrationJournal:
    """Skips the recorded statements of a migration on one connection to MySQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._step: Step | None = None
        self._own, self._resumes = False, False
        self._seen: Counter[bytes] = Counter()

    def cut(self) -> Step | None:
        """Return the migration that was begun and not ended."""
        if not inspect(self._connection).has_table(JOURNAL):
            return None
        row = self._connection.exec_driver_sql(f"SELECT revision, direction FROM {JOURNAL} LIMIT 1").first()  # noqa: S608
        return (row[0], row[1]) if row else None

    def create(self) -> None:
        """Create the table of the journal."""
        self._connection.exec_driver_sql(CREATE)

    def drop(self) -> None:
        """Delete the table of the journal after the last migration."""
        self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {JOURNAL}")

    def begin(self, step: Step) -> None:
        """Record the statements of this migration from now on; forget those of the other direction."""
        self._step, self._seen = step, Counter()
        self._resumes = self.cut() is not None or step[0] <= LAST_REVISION_WITHOUT_JOURNAL
        with self._unrecorded():
            self._sql(f"DELETE FROM {JOURNAL} WHERE revision <> %s OR direction <> %s", *step)  # noqa: S608
            self._sql(f"INSERT IGNORE INTO {JOURNAL} VALUES (%s, %s, %s, 0)", *step, BEGUN)  # noqa: S608

    def end(self) -> None:
        """Forget the migration; the caller commits this together with the version of the schema."""
        with self._unrecorded():
            self._sql(f"DELETE FROM {JOURNAL}")  # noqa: S608
        self._step = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Pass every statement of the connection through the journal."""
        self._sql(LIMIT_WAIT)
        engine = self._connection.engine
        listeners: list[tuple[str, Execute]] = [
            ("do_execute", lambda cursor, *said: self._run(cursor.execute, *said)),
            ("do_executemany", lambda cursor, *said: self._run(cursor.executemany, *said)),
            ("do_execute_no_params", lambda cursor, *said: self._run(cursor.execute, *said)),
        ]
        for name, listener in listeners:
            event.listen(engine, name, listener)
        try:
            yield
        finally:
            for name, listener in listeners:
                event.remove(engine, name, listener)

    def _run(self, execute: Execute, statement: str, *values_and_context: Any) -> bool:
        """Execute and record a statement unless it is recorded; return False for one that is not of the migration."""
        *values, context = values_and_context
        ours = context.root_connection is self._connection and self._step and not self._own
        if not ours or not WRITES.match(statement):
            return False
        digest = sha256(f"{statement}\0{values!r}".encode()).digest()
        self._seen[digest] += 1
        with self._unrecorded():
            key = (*(self._step or ()), digest, self._seen[digest])
            where = "revision = %s AND direction = %s AND statement = %s AND occurrence = %s"
            if not self._sql(f"SELECT 1 FROM {JOURNAL} WHERE {where}", *key).first():  # noqa: S608
                self._execute(statement, lambda sql: execute(sql, *values))
                self._sql(f"INSERT INTO {JOURNAL} VALUES (%s, %s, %s, %s)", *key)  # noqa: S608
        return True

    def _execute(self, statement: str, execute: Execute) -> None:
        """Execute a statement; of a migration that was cut before, accept that its effect is there."""
        try:
            execute_online(execute, statement)
        except Exception as error:
            if self._resumes and error.args[:1] == (DUPLICATE_ROW,) and SEED_ROWS.match(statement):
                execute(re.sub("INSERT INTO", "INSERT IGNORE INTO", statement, count=1, flags=re.IGNORECASE))
            elif not self._resumes or not self._had_effect(statement, error):
                raise

    def _had_effect(self, statement: str, error: Exception) -> bool:
        def run(sql: str) -> Any:
            cursor = self._connection.connection.cursor()
            try:
                cursor.execute(sql)
                return cursor.fetchall() if cursor.description else ()
            finally:
                cursor.close()

        try:
            return had_effect(run, statement, error)
        except Exception:  # the comparison itself failed: the first error is reported
            return False

    def _sql(self, statement: str, *values: object) -> Any:
        return self._connection.exec_driver_sql(statement, values)

    @contextmanager
    def _unrecorded(self) -> Iterator[None]:
        """Let the journal's own statements pass."""
        self._own = True
        try:
            yield
        finally:
            self._own = False
