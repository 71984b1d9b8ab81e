"""Keeps connections to an SMTP server open for the next message."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

RSET_TIMEOUT_SECONDS = 2.0
"""Short, because a lost answer costs no more than a new connection: firewalls drop idle ones silently."""


class SmtpConnectionPool:
    """At most `limit` connections, each used by one task at a time."""

    def __init__(self, new: Callable[[], SMTP], limit: int, connect_timeout_seconds: float) -> None:
        """Wait for the connection, and again for the greeting, `connect_timeout_seconds`."""
        self._new = new
        self._permits = asyncio.Semaphore(limit)
        self._connect_timeout_seconds = connect_timeout_seconds
        self._idle: list[SMTP] = []

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[SMTP]:
        """Provide a connection that just answered; raise what aiosmtplib raises."""
        async with self._permits:
            connection = await self._connected()
            try:
                yield connection
            except BaseException as error:
                if not is_in_sync(error):
                    connection.close()
                raise
            finally:
                if connection.is_connected:
                    self._idle.append(connection)

    async def close(self) -> None:
        """Send QUIT on every idle connection and close it."""
        idle, self._idle = self._idle, []
        for connection in idle:
            try:
                await connection.quit(timeout=1)
            except (SMTPException, OSError):
                connection.close()

    async def _connected(self) -> SMTP:
        while self._idle:
            connection = self._idle.pop()
            if await answers(connection):
                return connection
        connection = self._new()
        await connection.connect(timeout=self._connect_timeout_seconds)
        return connection


async def answers(connection: SMTP) -> bool:
    """Return whether the server answers RSET; a restarted server is detected before the message is sent."""
    try:
        await connection.rset(timeout=RSET_TIMEOUT_SECONDS)
    except BaseException as error:
        connection.close()
        if isinstance(error, (SMTPException, OSError)):
            return False
        raise
    return True


def is_in_sync(error: BaseException) -> bool:
    """Return whether the server's answer was read completely, so that the connection can be reused."""
    return isinstance(error, SMTPResponseException) and error.code >= 400
