"""Receipts in the memory database."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.kernel.errors import Conflict
from core.receipts.ports import DueReceipt, IssuedReceipts, Payers, Receipts
from core.receipts.printed_receipt import Payer
from core.receipts.receipt import IssuedReceipt, ReceiptNumber, ReceiptVoid
from core.receipts.receipt_search import ReceiptSearch


class MemoryReceipts(Receipts):
    """Receipts and voids by their payments."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def issued(self, payments: Collection[UUID]) -> Collection[UUID]:
        return set(payments) & self._work.database.receipts.keys()

    def issue(self, receipt: DueReceipt) -> None:
        self._work.inserts.append(partial(self._issue, receipt))

    async def voided(self, payments: Collection[UUID]) -> Collection[UUID]:
        return set(payments) & self._work.database.receipt_voids.keys()

    def void(self, payment: UUID, void: ReceiptVoid) -> None:
        self._work.inserts.append(partial(self._void, payment, void))

    def _issue(self, receipt: DueReceipt) -> None:
        stored, counters = self._work.database.receipts, self._work.database.receipt_counters
        paid, counter = receipt.payment, (receipt.series, receipt.year)
        if paid.payment in stored:
            raise Conflict.concurrent_change()
        number = counters.get(counter, 0) + 1
        self._work.undo_log.put(counters, counter, number)
        issued = IssuedReceipt(
            number=str(ReceiptNumber(series=receipt.series, year=receipt.year, number=number)),
            payment=paid.payment,
            submission=paid.submission,
            student=paid.student,
            reference=paid.reference,
            schedule=paid.schedule,
            amount=paid.amount,
            method=paid.method,
            paid_at=paid.paid_at,
            zone=receipt.zone,
            issuer=receipt.issuer,
            issued_at=receipt.issued_at,
            code=receipt.code,
            replaces=stored[paid.restores].number if paid.restores in stored else "",
        )
        self._work.undo_log.put(stored, paid.payment, issued)

    def _void(self, payment: UUID, void: ReceiptVoid) -> None:
        if payment in self._work.database.receipt_voids:
            raise Conflict.concurrent_change()
        self._work.undo_log.put(self._work.database.receipt_voids, payment, void)


class MemoryIssuedReceipts(IssuedReceipts):
    """Looks through all receipts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def by_number(self, number: ReceiptNumber) -> IssuedReceipt | None:
        return next(iter(self._those(lambda each: each.number == str(number))), None)

    async def by_code(self, code: str) -> IssuedReceipt | None:
        return next(iter(self._those(lambda each: each.code == code)), None)

    async def page(self, search: ReceiptSearch, limit: int) -> Sequence[IssuedReceipt]:
        found = self._those(lambda each: is_wanted(each, search))
        return sorted(found, key=lambda each: ReceiptNumber.parse(each.number).place, reverse=True)[:limit]

    def _those(self, wanted: Callable[[IssuedReceipt], bool]) -> Sequence[IssuedReceipt]:
        """Return receipts with their voids, in the order in which they were issued."""
        voids = self._database.receipt_voids
        found = [each for each in self._database.receipts.values() if wanted(each)]
        return [replace(each, void=voids.get(each.payment)) for each in found]


def is_wanted(receipt: IssuedReceipt, search: ReceiptSearch) -> bool:
    """Tell whether a search finds a receipt."""
    number = ReceiptNumber.parse(receipt.number)
    has = (receipt.submission, receipt.student, receipt.schedule, number.series, number.year)
    wanted = (search.submission, search.student, search.schedule, search.series, search.year)
    return (
        all(not want or want == each for want, each in zip(wanted, has, strict=True))
        and search.first <= number.number <= search.last
        and (search.before is None or number.place < search.before.place)
    )


class MemoryPayers(Payers):
    """Reads students."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, student: UUID) -> Payer | None:
        for each in self._database.students.values():
            if each.id == student:
                told = each.enrolment
                return Payer(name=told.name, registration=told.registration, language=told.language, centre=told.centre)
        return None
