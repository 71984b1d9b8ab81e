"""The memory database encrypts nothing: it ends with its process."""

from collections.abc import Sequence
from uuid import UUID

from core.students.ports import EncryptedRows
from core.students.rotated_batch import RotatedBatch


class MemoryEncryptedRows(EncryptedRows):
    """No tables."""

    def tables(self) -> Sequence[str]:
        return ()

    async def begin(self, table: str) -> None:
        raise KeyError(table)

    async def rotate(self, table: str, after: UUID | None, limit: int) -> RotatedBatch:  # noqa: ARG002 - of the port
        raise KeyError(table)

    async def finish(self, table: str) -> None:
        raise KeyError(table)
