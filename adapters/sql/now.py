"""The clock that everybody who uses a database shares."""

from typing import Any

from sqlalchemy import literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from adapters.sql.types import UtcDateTime


class now(FunctionElement[Any]):  # noqa: N801 - it is read as SQL
    """What time it is by the database's clock, or will be in so many seconds; of a file's, it is this machine's."""

    type = UtcDateTime()
    inherit_cache = True

    def __init__(self, seconds: float = 0) -> None:
        super().__init__(literal(seconds))


@compiles(now, "mysql")
def in_mysql(element: now, compiler: SQLCompiler, **options: Any) -> str:
    """Return a moment to the microsecond."""
    seconds = compiler.process(element.clauses, **options)
    return f"TIMESTAMPADD(MICROSECOND, 1000000 * {seconds}, UTC_TIMESTAMP(6))"


@compiles(now, "sqlite")
def in_sqlite(element: now, compiler: SQLCompiler, **options: Any) -> str:
    """Return a moment to the millisecond, written as SQLAlchemy writes them."""
    seconds = compiler.process(element.clauses, **options)
    return f"strftime('%Y-%m-%d %H:%M:%f000', 'now', {seconds} || ' seconds')"
