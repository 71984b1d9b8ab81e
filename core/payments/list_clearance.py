"""List which candidates of a schedule may sit the exam."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.csv_cells import csv_lines
from core.payments.errors import NoFeesCharged
from core.payments.fee_balance import FeeStatus
from core.payments.ports import Clearances

PAGE_OF_FILE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Clearance:
    """Whether one fee is settled; `pending` is no debt: the payer may be debited already."""

    fee: UUID
    registration: str
    """Empty after an erasure."""
    reference: str
    centre: str
    cleared: bool
    status: FeeStatus


@dataclass(frozen=True, slots=True)
class ClearancePage:
    """Fees of a schedule, the earliest submitted first."""

    items: Sequence[Clearance]
    next: UUID | None
    """Where the next page begins."""


@requires(Permission.CLEARANCE_READ)
@dataclass(frozen=True, slots=True)
class ListClearance:
    """List the fees of a schedule that the principal reaches."""

    clearances: Clearances

    async def __call__(self, schedule: str, after: UUID | None, limit: int) -> ClearancePage:
        """Return up to `limit` fees; raise `NoFeesCharged` if there are none."""
        reader = current_principal.get()
        found = await self.clearances.page(schedule, reader.centre, after, limit + 1)
        if not found:
            raise NoFeesCharged(f"no fee that you reach was charged by a schedule {schedule[:64]!r}")
        items = [
            Clearance(
                fee=each.account.submission,
                registration=each.registration,
                reference=each.account.reference,
                centre=each.centre,
                cleared=each.account.cleared,
                status=each.account.status,
            )
            for each in found[:limit]
            if reader.reaches(each.account.student, each.centre)
        ]
        return ClearancePage(items, found[limit - 1].account.submission if len(found) > limit else None)


async def clearance_file(list_clearance: ListClearance, schedule: str) -> AsyncGenerator[bytes, None]:
    """Yield the CSV file of the exam hall, page by page; a candidate is in it once, whatever changes meanwhile."""
    head = csv_lines([("registration", "reference", "centre", "cleared", "status")])
    after: UUID | None = None
    while True:
        page = await list_clearance(schedule, after, PAGE_OF_FILE)
        rows = [
            (each.registration, each.reference, each.centre, "yes" if each.cleared else "no", each.status)
            for each in page.items
        ]
        yield head + csv_lines(rows)
        if page.next is None:
            return
        head, after = b"", page.next
