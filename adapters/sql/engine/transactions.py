"""Transactions of units of work: lazy ones for reads, group or single commits for inserts."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from adapters.sql.engine.conflicts import conflict
from adapters.sql.engine.database import Database
from adapters.sql.engine.inserts import Rows, flush
from core.kernel.own_writes import Position, note_write
from core.kernel.unit_of_work import Transaction

Commit = Callable[[Rows], Awaitable[Position]]
"""Stores the rows of one unit of work and returns their position when they are durable."""


class Scope(Protocol):
    """The part of a transaction that a unit of work uses."""

    @abstractmethod
    async def connect(self) -> AsyncConnection:
        """Return the connection of the transaction, which the first call begins."""

    @abstractmethod
    async def commit(self, rows: Rows, signals: Collection[str]) -> None:
        """Store rows in lock order, commit, and notify the signals."""


@dataclass(frozen=True, slots=True)
class Transactions(Transaction):
    """A unit of work that reads gets its own transaction; one that only inserts uses `commits`."""

    database: Database
    commits: Commit
    """Stores the rows of units of work that only insert."""
    notify: Callable[[Collection[str]], None]
    """Notifies signals after a commit."""

    def begin(self) -> AbstractAsyncContextManager[Scope]:
        return LazyTransaction(self)


class LazyTransaction(AbstractAsyncContextManager[Scope], Scope):
    """A transaction that begins when its unit of work first asks for a connection."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions, self._connecting = transactions, asyncio.Lock()
        self._begun: tuple[AsyncConnection, AsyncTransaction] | None = None

    async def __aenter__(self) -> Scope:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._begun:
            await self._lease.__aexit__(kind, error, trace)

    async def connect(self) -> AsyncConnection:
        async with self._connecting:
            if self._begun is None:
                self._lease = self._transactions.database.transaction()
                self._begun = await self._lease.__aenter__()
            return self._begun[0]

    async def commit(self, rows: Rows, signals: Collection[str]) -> None:
        if self._begun:
            await flush_and_commit(rows, *self._begun)
            note_write(self._transactions.database.written(self._begun[0]))
        elif rows:
            note_write(await self._transactions.commits(rows))
        self._transactions.notify(signals)


@dataclass(frozen=True, slots=True)
class SingleCommits:
    """Commits each unit of work in its own transaction."""

    database: Database

    async def __call__(self, rows: Rows) -> Position:
        """Store the rows of one unit of work."""
        async with self.database.transaction() as (connection, transaction):
            await flush_and_commit(rows, connection, transaction)
            return self.database.written(connection)


async def flush_and_commit(rows: Rows, connection: AsyncConnection, transaction: AsyncTransaction) -> None:
    """Insert and commit the rows of one unit of work; raise the core error of a violated constraint."""
    try:
        await flush(rows, connection)
        await transaction.commit()
    except IntegrityError as error:
        await transaction.rollback()
        first_rows = {name: some[0] for name, some in rows.items()}
        raise await conflict(connection, error, first_rows) or error from error
