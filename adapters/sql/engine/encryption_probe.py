"""Whether the keys of the settings decrypt what is stored."""

from collections.abc import Callable

from sqlalchemy import select

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.database import Database
from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.tables import ENCRYPTED, metadata
from core.kernel.encryption import Undecipherable
from core.kernel.health import Probe, Unfit

SAMPLE_ROWS = 5


class EncryptionProbe(Probe):
    """Decrypts the newest and the oldest rows of each table that has encrypted columns.

    Takes the factory of the cipher, whose keys may be in a file that cannot be read.
    """

    name = "encryption keys"
    remedy = (
        "set encryption.keys to the keys that wrote the rows, the current one first; they are in a backup or a vault"
    )

    def __init__(self, database: Database, cipher: Callable[[], ColumnCipher]) -> None:
        self._database, self._cipher = database, cipher

    async def check(self) -> str:
        read, cipher = 0, self._cipher()
        for of in (each for each in metadata.sorted_tables if ENCRYPTED in each.info):
            columns = EncryptedColumns(of, cipher)
            for column in of.info[ENCRYPTED]:
                query = select(of.c.id, of.c[column]).where(of.c[column].is_not(None)).limit(SAMPLE_ROWS)
                async with self._database.reading() as connection:
                    rows = [
                        row
                        for order in (of.c.id, of.c.id.desc())
                        for row in await connection.execute(query.order_by(order))
                    ]
                try:
                    for row in rows:
                        columns.decrypt(row, column, row.id)
                except Undecipherable as error:
                    raise Unfit(str(error), self.remedy) from None
                read += len(rows)
        return f"{read} stored values decrypted"
