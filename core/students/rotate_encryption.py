"""Encrypt stored personal data with the current key."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.errors import GaveWay, InUse
from core.kernel.pace import Pace
from core.students.ports import EncryptedRows
from core.students.rotated_batch import RotatedBatch

ROWS_PER_BATCH = 512
"""Rows that one transaction reads and locks: some tens of milliseconds."""
MAX_ATTEMPTS_PER_BATCH = 10
"""A batch is repeated when an import holds the same rows."""


@dataclass(frozen=True, slots=True)
class RotationReport:
    """What a rotation has read, encrypted and left."""

    read: int = 0
    encrypted: int = 0
    unreadable: tuple[str, ...] = ()
    is_complete: bool = True
    """Whether no row needs an older key, and a plain value is refused from now on."""

    def plus(self, batch: RotatedBatch) -> "RotationReport":
        """Return the report with one more batch."""
        unreadable = self.unreadable + batch.unreadable
        return RotationReport(self.read + batch.read, self.encrypted + batch.encrypted, unreadable, not unreadable)


OnProgress = Callable[[RotationReport], None]


@requires(Permission.SYSTEM_RUN, fresh=True)
@dataclass(frozen=True, slots=True)
class RotateEncryption:
    """Encrypt plain rows and rows of older keys with the current key, in short transactions, while others serve."""

    encrypted_rows: EncryptedRows

    async def __call__(self, pace: Pace, on_progress: OnProgress) -> RotationReport:
        """Return the report; a run after a stop passes over the rows that are encrypted already.

        From the beginning on no process writes plain values: those of the version before must have ended.
        Raises `NoEncryptionKey`.
        """
        report = RotationReport()
        for table in self.encrypted_rows.tables():
            after: UUID | None = None
            await self.encrypted_rows.begin(table)
            while True:
                batch = await self._rotate(table, after)
                if batch.last is None:
                    break
                after, report = batch.last, report.plus(batch)
                on_progress(report)
                if not await pace.acquire(batch.read):
                    return RotationReport(report.read, report.encrypted, report.unreadable, is_complete=False)
            if report.is_complete:
                await self.encrypted_rows.finish(table)
        return report

    async def _rotate(self, table: str, after: UUID | None) -> RotatedBatch:
        attempts_left = MAX_ATTEMPTS_PER_BATCH
        while True:
            try:
                return await self.encrypted_rows.rotate(table, after, ROWS_PER_BATCH)
            except (InUse, GaveWay):
                attempts_left -= 1
                if not attempts_left:
                    raise
