"""Sends several statements to MySQL before it reads their results: one round trip, instead of one for each.

The server executes each of them, also those behind one that fails: the caller rolls back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from asyncmy.connection import MySQLResult
from asyncmy.constants.COMMAND import COM_STMT_EXECUTE
from asyncmy.errors import MySQLError
from asyncmy.protocol import pack_binary_params
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine

PIPELINE = "pipeline"
"""Execution option: the `Pipeline` whose first statement SQLAlchemy executes."""
Statement = tuple[str, tuple[Any, ...]]
"""SQL with its values."""


@dataclass(slots=True)
class Pipeline:
    """Statements in their order, and what the server answers."""

    statements: Sequence[Statement]
    results: list[Any] = field(default_factory=list)
    """The rows of each; None of one that changes rows."""
    failed: int | None = None
    """The place of the first statement that the server refused."""

    def execute(self, connection: Connection) -> None:
        """Execute the statements on MySQL; raise what executing the first failed one raises."""
        sql, values = self.statements[0]
        connection.exec_driver_sql(sql, values, execution_options={PIPELINE: self})
        if len(self.results) != len(self.statements):
            raise LookupError("this engine executes single statements: prepare it with `enable_pipelining`")


def enable_pipelining(engine: AsyncEngine) -> None:
    """Let an engine execute pipelines; SQLAlchemy translates their errors like those of single statements."""

    @event.listens_for(engine.sync_engine, "do_execute")
    def execute(_cursor: Any, _sql: str, _values: Any, context: Any) -> bool:
        pipeline: Pipeline | None = context.execution_options.get(PIPELINE)
        if pipeline is None:
            return False
        try:
            context.root_connection.connection.dbapi_connection.run_async(partial(send, pipeline=pipeline))
        except MySQLError:
            raise
        except BaseException:  # results are unread: the next user of the connection would get them
            context.root_connection.invalidate()
            raise
        return True


async def send(connection: Any, pipeline: Pipeline) -> None:
    """Execute the statements on a connection of the driver, which itself waits for each result."""
    prepare = connection._acquire_cached_statement  # noqa: SLF001 - the driver has no public pipelining
    prepared = [await prepare(sql, len(values)) for sql, values in pipeline.statements]
    if None in prepared:  # the server prepares no more statements
        await send_one_by_one(connection, pipeline)
        return
    commands = [  # complete before the first is sent: a value without an encoding must not leave results unread
        statement._execute_header + pack_binary_params(values, connection._encoding)  # noqa: SLF001
        for statement, (_, values) in zip(prepared, pipeline.statements, strict=True)
    ]
    for command in commands:
        await connection._execute_command(COM_STMT_EXECUTE, command)  # noqa: SLF001
    failure: MySQLError | None = None
    for statement in prepared:
        connection._next_seq_id = 1  # noqa: SLF001 - the packets of each result are numbered from 1
        result: Any = MySQLResult(connection)
        try:
            await result.read_binary(statement)
        except MySQLError as error:
            if failure is None:
                failure, pipeline.failed = error, len(pipeline.results)
        pipeline.results.append(result.rows)
    if failure:
        raise failure


async def send_one_by_one(connection: Any, pipeline: Pipeline) -> None:
    """Execute the statements, each after the result of the one before."""
    async with connection.cursor() as cursor:
        for place, statement in enumerate(pipeline.statements):
            pipeline.failed = place
            await cursor.execute(*statement)
            pipeline.results.append(await cursor.fetchall())
    pipeline.failed = None
