"""A connection to MySQL that knows the position of its last commit."""

from collections.abc import Mapping
from typing import Any

import asyncmy
from asyncmy.constants import CLIENT
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.sql.engine.gtids import own_commit
from core.kernel.own_writes import Position


async def tracked(options: Mapping[str, Any]) -> Any:
    """Open a connection; the server sends the position of a commit with its acknowledgement."""
    connection: Any = await asyncmy.connect(**{**options, "client_flag": CLIENT.SESSION_TRACK})
    read = connection._read_ok_packet  # noqa: SLF001 - the driver drops what the server tells about the session

    async def read_and_note() -> Any:
        answer = await read()
        connection.own_commit = own_commit(answer.message)
        return answer

    connection._read_ok_packet = read_and_note  # noqa: SLF001
    return connection


def last_commit(connection: AsyncConnection) -> Position:
    """Return the position of what a connection has just committed."""
    raw = connection.sync_connection and connection.sync_connection.connection.driver_connection
    position: Position = getattr(raw, "own_commit", {})
    return position
