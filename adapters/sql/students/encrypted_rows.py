"""Encrypts the rows of all tables with encrypted columns anew, in short transactions."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, select, update

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.database import Database
from adapters.sql.engine.encrypted_columns import EncryptedColumns, EncryptionState
from adapters.sql.engine.inserts import changed_key, flush
from adapters.sql.engine.tables import ENCRYPTED, column_encryption
from adapters.sql.schema import metadata
from core.kernel.encryption import Undecipherable
from core.students.ports import EncryptedRows
from core.students.rotated_batch import RotatedBatch


class SqlEncryptedRows(EncryptedRows):
    """Rows in the order of their ids; a row whose text is encrypted with the current key is only read."""

    def __init__(self, database: Database, cipher: ColumnCipher) -> None:
        self._database, self._cipher = database, cipher

    def tables(self) -> Sequence[str]:
        return [each.name for each in metadata.sorted_tables if ENCRYPTED in each.info]

    async def begin(self, table: str) -> None:
        self._cipher.check_key()
        await self._set_state(table, EncryptionState.PLAIN, EncryptionState.MIXED)

    async def rotate(self, table: str, after: UUID | None, limit: int) -> RotatedBatch:
        of = metadata.tables[table]
        columns = EncryptedColumns(of, self._cipher)
        stored = [each for each in of.columns if each.computed is None]
        query = select(*stored).order_by(of.c.id).limit(limit)
        if after is not None:
            query = query.where(of.c.id > after)
        async with self._database.transaction() as (connection, transaction):
            rows = (await connection.execute(query)).all()
            old = [row.id for row in rows if not columns.is_current(row)]
            if old:  # as they are now, and as they stay until the commit
                await columns.check_plain(connection)
                locked = await connection.execute(select(*stored).where(of.c.id.in_(old)).with_for_update())
                changed, unreadable = self._encrypted(of, columns, locked.all())
                await flush({changed_key(table): changed}, connection)
                await transaction.commit()
        if not rows:
            return RotatedBatch(last=None)
        if not old:
            return RotatedBatch(rows[-1].id, len(rows))
        return RotatedBatch(rows[-1].id, len(rows), len(changed), tuple(unreadable))

    async def finish(self, table: str) -> None:
        await self._set_state(table, EncryptionState.MIXED, EncryptionState.ENCRYPTED)

    def _encrypted(
        self, of: Table, columns: EncryptedColumns, rows: Sequence[Row[Any]]
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows with new values, and what is wrong with the others."""
        changed, unreadable = [], []
        for row in rows:
            try:
                texts = {each: columns.decrypt(row, each, row.id) for each in of.info[ENCRYPTED]}
            except Undecipherable as error:
                unreadable.append(str(error))
            else:
                changed.append(columns.encrypt(row._asdict(), texts))
        return changed, unreadable

    async def _set_state(self, table: str, before: EncryptionState, after: EncryptionState) -> None:
        name, state = column_encryption.c.table_name, column_encryption.c.state
        async with self._database.transaction() as (connection, transaction):
            change = update(column_encryption).where(name == table, state == before).values(state=after)
            await connection.execute(change)
            await transaction.commit()
