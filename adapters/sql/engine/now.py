"""The clock of the database as a SQL expression: the time that all processes share."""

from typing import Any

from sqlalchemy import literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from adapters.sql.engine.types import UtcDateTime


class now(FunctionElement[Any]):  # noqa: N801 - named as in SQL
    """The time of the database plus `seconds`; for SQLite, the time of this machine."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(literal(seconds))


@compiles(now, "mysql")
def in_mysql(element: now, compiler: SQLCompiler, **options: Any) -> str:
    """Compile to a time in microseconds."""
    seconds = compiler.process(element.clauses, **options)
    return f"TIMESTAMPADD(MICROSECOND, 1000000 * {seconds}, UTC_TIMESTAMP(6))"


@compiles(now, "sqlite")
def in_sqlite(element: now, compiler: SQLCompiler, **options: Any) -> str:
    """Compile to a time in milliseconds, formatted as SQLAlchemy stores times."""
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
