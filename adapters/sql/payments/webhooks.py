"""The bytes of webhooks in SQL, encrypted."""

from collections.abc import Collection, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.payments.tables import webhooks
from core.kernel.encryption import Undecipherable
from core.payments.errors import UnreadableWebhook
from core.payments.ports import Webhooks

AS_TEXT = "latin-1"
"""Encrypted columns have texts; in this encoding each byte is one character."""


class SqlWebhooks(Webhooks):
    """A row for each webhook."""

    def __init__(self, work: SqlUnitOfWork, encrypted: EncryptedColumns) -> None:
        self._work, self._encrypted = work, encrypted

    def add(self, webhook: UUID, body: bytes, at: datetime) -> None:
        row = {"id": webhook, "received_at": at}
        self._work.insert(webhooks, self._encrypted.encrypt(row, {"encrypted_body": body.decode(AS_TEXT)}))

    async def bodies(self, wanted: Collection[UUID]) -> Mapping[UUID, bytes]:
        query = select(webhooks).where(webhooks.c.id.in_(wanted))
        rows = await (await self._work.connect()).execute(query)
        try:
            return {row.id: self._encrypted.decrypt(row, "encrypted_body", row.id).encode(AS_TEXT) for row in rows}
        except Undecipherable as error:
            # Not `Unavailable`: it would hold up every later webhook, and one alone becomes a dead letter.
            raise UnreadableWebhook(str(error)) from error


def encrypted_webhooks(cipher: ColumnCipher) -> EncryptedColumns:
    """Return the encryption of the bytes."""
    return EncryptedColumns(webhooks, cipher)


webhooks.info[CONFLICTS] = {"pk_webhooks": concurrent_change}
