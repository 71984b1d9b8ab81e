"""Second factors in SQL, their secrets encrypted."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select

from adapters.cryptography.column_encryption import ColumnCipher
from adapters.sql.engine.conflicts import CONFLICTS, concurrent_change
from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.identity.session_tables import second_factors
from core.identity.second_factor import SecondFactor
from core.identity.second_factor_ports import SecondFactors

ROWS = second_factors.c
DIGEST_BYTES = 32


class SqlSecondFactors(SecondFactors):
    """A row for each account that enrolled."""

    def __init__(self, work: SqlUnitOfWork, encrypted: EncryptedColumns) -> None:
        self._work, self._encrypted = work, encrypted

    async def lock(self, account: UUID) -> SecondFactor | None:
        query = select(second_factors).where(ROWS.id == account).with_for_update()
        row = (await (await self._work.connect()).execute(query)).one_or_none()
        return self._from_row(row) if row else None

    def add(self, factor: SecondFactor) -> None:
        self._work.insert(second_factors, self._as_row(factor))

    def replace(self, factor: SecondFactor) -> None:
        self._work.change(second_factors, self._as_row(factor))

    async def remove(self, account: UUID) -> None:
        await (await self._work.connect()).execute(delete(second_factors).where(ROWS.id == account))

    def _from_row(self, row: Row[Any]) -> SecondFactor:
        digests = range(0, len(row.recovery_digests), DIGEST_BYTES)
        return SecondFactor(
            account=row.id,
            secret=self._encrypted.decrypt(row, "encrypted_secret", row.id),
            enrolled_at=row.enrolled_at,
            confirmed_at=row.confirmed_at,
            last_step=row.last_step,
            recovery_digests=tuple(row.recovery_digests[each : each + DIGEST_BYTES] for each in digests),
        )

    def _as_row(self, factor: SecondFactor) -> dict[str, Any]:
        row = {
            "id": factor.account,
            "enrolled_at": factor.enrolled_at,
            "confirmed_at": factor.confirmed_at,
            "last_step": factor.last_step,
            "recovery_digests": b"".join(factor.recovery_digests),
        }
        return self._encrypted.encrypt(row, {"encrypted_secret": factor.secret})


def encrypted_second_factors(cipher: ColumnCipher) -> EncryptedColumns:
    """Return what encrypts the secrets of second factors."""
    return EncryptedColumns(second_factors, cipher)


second_factors.info[CONFLICTS] = {"pk_second_factors": concurrent_change}
