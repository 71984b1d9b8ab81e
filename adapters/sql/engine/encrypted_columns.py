"""Columns that store encrypted text, the digests that find it, and the state of the tables that have them."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.tables import DIGESTS, ENCRYPTED, column_encryption
from core.kernel.encryption import Undecipherable

LAST = b"\xff" * 41
"""Follows every digest."""


class EncryptionState(StrEnum):
    """How far the encryption of a table is; it only goes forward."""

    PLAIN = "plain"
    """Rows are written as processes of the version before read them."""
    MIXED = "mixed"
    """Rows are written encrypted; plain ones are read, and encrypted by the rotation."""
    ENCRYPTED = "encrypted"
    """A plain value is refused."""


class EncryptedColumns:
    """Encrypts and decrypts the columns of one table."""

    def __init__(self, of: Table, cipher: ColumnCipher) -> None:
        self._table, self._cipher = of, cipher
        self._plain_columns: Mapping[str, str | None] = of.info[ENCRYPTED]
        self._digests: Mapping[str, str] = of.info.get(DIGESTS, {})
        self._state = EncryptionState.PLAIN

    async def state(self, connection: AsyncConnection) -> EncryptionState:
        """Return the state, which waits for a rotation that begins, and lets one wait until the transaction ends."""
        if self._state is EncryptionState.PLAIN:
            await self._read(connection, lock=True)
        return self._state

    def encrypt(self, row: Mapping[str, Any], texts: Mapping[str, str], *, keep_plain: bool = False) -> dict[str, Any]:
        """Return a row as it is stored with the texts of its encrypted columns."""
        stored = dict(row)
        for column, plain in self._plain_columns.items():
            text = texts[column]
            if plain is not None:
                stored[plain] = text if keep_plain else ""
            is_encrypted = plain is None or not keep_plain
            stored[column] = self._cipher.encrypt(self._name(column), row["id"], text) if is_encrypted else None
        return stored | {digest: self.digests(digest, texts[column])[0] for digest, column in self._digests.items()}

    def digests(self, digest: str, text: str) -> Sequence[bytes]:
        """Return the digests by which a text is found, the one to store first."""
        return self._cipher.digests(self._name(digest), text)

    def is_foreign(self, digest: str) -> ColumnElement[bool]:
        """Return the condition of digests whose key is missing, as ranges of their index."""
        column, keys = self._table.c[digest], self._cipher.digest_keys()
        lows, highs = [b"", *(key + LAST for key in keys)], [*keys, LAST]
        return or_(*(and_(column > low, column < high) for low, high in zip(lows, highs, strict=True)))

    async def check_plain(self, connection: AsyncConnection) -> None:
        """Learn whether plain values are accepted; `decrypt` refuses them afterwards unless they are."""
        if self._state is not EncryptionState.ENCRYPTED:
            await self._read(connection, lock=False)

    def is_plain(self, row: Any) -> bool:
        """Return whether a row has a plain value that should be encrypted."""
        return any(plain and getattr(row, plain) for plain in self._plain_columns.values())

    def is_current(self, row: Any) -> bool:
        """Return whether a row has no plain value, and can be decrypted and found with the current key alone."""
        values = {column: getattr(row, column) for column in self._plain_columns}
        if self.is_plain(row) or any(value and not self._cipher.is_current(value) for value in values.values()):
            return False
        try:
            texts = {column: self.decrypt(row, column, row.id) for column in values}
        except Undecipherable:
            return False
        return all(getattr(row, digest) == self.digests(digest, texts[of])[0] for digest, of in self._digests.items())

    def decrypt(self, row: Any, column: str, row_id: UUID) -> str:
        """Return the text of a column; raise `Undecipherable`."""
        value, plain = getattr(row, column), self._plain_columns[column]
        if value is not None:
            return self._cipher.decrypt(self._name(column), row_id, value)
        text: str = getattr(row, plain) if plain else ""
        if text and self._state is EncryptionState.ENCRYPTED:
            raise Undecipherable(f"{self._table.name}.{plain} of {row_id} is not encrypted, as all values must be")
        return text

    def _name(self, column: str) -> str:
        return f"{self._table.name}.{column}"

    async def _read(self, connection: AsyncConnection, *, lock: bool) -> None:
        query = select(column_encryption.c.state).where(column_encryption.c.table_name == self._table.name)
        found = await connection.scalar(query.with_for_update(read=True) if lock else query)
        self._state = EncryptionState(found) if found else EncryptionState.PLAIN
