"""Translates errors of the database drivers into core errors."""

import sqlite3
from collections.abc import Callable

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from core.kernel.errors import GaveWay, InUse, Unavailable

ER_NO_SUCH_TABLE, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK = 1146, 1205, 1213
PERMANENT_ERROR_CODES = {1054, 1136, 1264, 1292, 1364, 1366, 1406, 1690, 3819}
"""Errors that a repetition cannot resolve: the statement is wrong, or a row violates a check."""
ACCOUNT = "correct mysql.user and mysql.password, and what the server demands of this account"
REMEDIES = {
    1044: "grant mysql.user its privileges with deploy/grants.sql",
    1045: "correct mysql.user and mysql.password; an account that requires TLS needs mysql.tls",
    1142: "run deploy/grants.sql again after each migration; `bursar migrate` needs the account bursar_migration",
    1049: "create the database or correct mysql.database; deploy/grants.sql creates it",
    3159: "set mysql.tls to verified, or to unverified",
    **dict.fromkeys((1130, 1251, 1698, 1862, 3118, 3879, 3955), ACCOUNT),
}
"""What an operator does about what MySQL refuses to an account, by its error code."""
SQLITE_REMEDIES = {
    sqlite3.SQLITE_PERM: "let this user read and write sqlite.path and its folder",
    sqlite3.SQLITE_READONLY: "let this user write sqlite.path and its folder",
    sqlite3.SQLITE_CANTOPEN: "sqlite.path names a file, in a folder that exists and that this user can write",
    sqlite3.SQLITE_IOERR: "look at the disk of sqlite.path",
    sqlite3.SQLITE_NOTADB: "sqlite.path names a file that is not a database: name another, or restore it from a backup",
    sqlite3.SQLITE_CORRUPT: "the file of sqlite.path is damaged: restore it from a backup",
}
"""What an operator does about a file that cannot be used, by the primary error code of SQLite."""
READ_ONLY_CODES = {1290, 1792, 1836, 3032, 3100}
"""The server takes no writes: a replica, a former source, one in offline mode, a minority of a group."""
LOST_CODES = {1047, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927, 3168, 3169}
"""The server is going down, ended the session, or is not part of its cluster."""
FULL_CODES = {1021, 1026, 1114}
"""The disk or the table is full."""
OVERLOAD_CODES = {1037, 1038, 1040, 1041, 1135, 1203, 1206, 1226, 1317, 1637, 3024}
"""The server lacks a resource at this moment, or an operator ended the statement."""
MIGRATING = "migrating"
"""Execution option of a connection on which the statements of migrations keep their permanent errors."""
SQLITE_STATEMENT_IS_WRONG = 1


class Locked(InUse):
    """Another transaction held a lock for longer than `LOCK_WAIT_SECONDS`."""


class Deadlocked(Locked, GaveWay):
    """The database resolved a deadlock by rolling this transaction back."""


class AccessRefused(Unavailable):
    """The server does not accept the account or the name of the database."""


class Full(Unavailable):
    """The database has no room for more rows."""


def translate_driver_errors(
    engine: AsyncEngine, on_lost_server: Callable[[], None], on_full: Callable[[str], None]
) -> None:
    """Raise `Unavailable` for temporary errors; violated constraints and wrong statements keep their errors."""

    @event.listens_for(engine.sync_engine, "handle_error", retval=True)
    def translate(context: ExceptionContext) -> BaseException | None:
        error = context.original_exception
        if remedy := REMEDIES.get(code_of(error) or 0):
            return AccessRefused(f"MySQL refuses: {error.args[-1]}; {remedy}")
        if takes_no_writes(error):
            context.is_disconnect = True  # the address may lead to another server by now
            on_lost_server()
            return Unavailable(f"the database takes no writes: {error}", retry_after=1)
        if context.is_disconnect or isinstance(error, OSError) or code_of(error) in LOST_CODES:
            context.is_disconnect = True
            on_lost_server()
            return Unavailable(f"the database does not answer: {error}", retry_after=1)
        if is_full(error):
            on_full(str(error))
            return Full(f"the database is full: {error}; free disk space", retry_after=5)
        if remedy := SQLITE_REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF):
            return Unavailable(f"SQLite refuses: {error}; {remedy}")
        if (context.statement or "").startswith("DESCRIBE"):
            return None  # SQLAlchemy tests with it whether a table exists, and needs the original error
        if context.connection is not None and context.connection.get_execution_options().get(MIGRATING):
            return meaning_in_migration(context)
        return meaning(context)


def meaning(context: ExceptionContext) -> BaseException | None:
    """Return the core error; None for violated constraints and wrong statements."""
    error, code = context.original_exception, code_of(context.original_exception)
    if code == ER_NO_SUCH_TABLE or "no such table" in str(error):
        return Unavailable("the database has no tables yet: create them with `bursar migrate`")
    if code in {ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK}:
        kind = Deadlocked if code == ER_LOCK_DEADLOCK else Locked
        return kind(f"another transaction holds the lock: {error}", retry_after=1)
    if isinstance(context.sqlalchemy_exception, OperationalError) and code not in PERMANENT_ERROR_CODES:
        return Unavailable(f"the database does not answer: {error}", retry_after=1)
    return None


def meaning_in_migration(context: ExceptionContext) -> BaseException | None:
    """Return the core error of what passes; None for everything that a repetition meets again."""
    error = context.original_exception
    if code_of(error) in OVERLOAD_CODES | {ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK}:
        return meaning(context)
    sqlite_code = getattr(error, "sqlite_errorcode", SQLITE_STATEMENT_IS_WRONG)
    if isinstance(context.sqlalchemy_exception, OperationalError) and sqlite_code != SQLITE_STATEMENT_IS_WRONG:
        return meaning(context)
    return None


def takes_no_writes(error: BaseException) -> bool:
    """Return whether the server refuses every write; 1290 has other reasons too, and names its own."""
    code = code_of(error)
    return code in READ_ONLY_CODES and (code != 1290 or "read-only" in str(error) or "read_only" in str(error))


def is_full(error: BaseException) -> bool:
    """Return whether a disk, a table or a file has reached its limit."""
    return code_of(error) in FULL_CODES or "database or disk is full" in str(error)


def code_of(error: BaseException) -> int | None:
    """Return the number of an error of MySQL."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else None
