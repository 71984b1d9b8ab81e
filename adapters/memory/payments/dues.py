"""What was posted about the fees of a schedule, in the memory database."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.transaction import LedgerTransaction, TransactionKind
from core.payments.dues import Dues, FeeDue
from core.payments.fee_account import FeeAccount
from core.payments.order import PENDING
from core.students.student import Enrolment

FINED = (TransactionKind.FINE, TransactionKind.WITHDRAWAL)
WAIVED = (TransactionKind.WAIVER, TransactionKind.RETRACTION)


class MemoryDues(Dues):
    """Looks through everything."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def pages(self, schedule: str, centre: str, before: datetime) -> AsyncGenerator[Sequence[FeeDue], None]:
        accounts = sorted(self._database.fee_accounts.items())
        fees = [self._due(account, before) for _, account in accounts if account.schedule == schedule]
        if found := [each for each in fees if centre in ("", each.centre)]:
            yield found

    def _due(self, account: FeeAccount, before: datetime) -> FeeDue:
        students: dict[UUID, Enrolment] = {each.id: each.enrolment for each in self._database.students.values()}
        enrolment = students.get(account.student)
        stored = self._database.ledger_transactions.values()
        about = [each for each in stored if each.about == account.submission and each.at < before]
        candidate = LedgerAccount(AccountKind.CANDIDATE, str(account.student))

        def total(some: Collection[LedgerTransaction]) -> int:
            return sum(each.effect_on(candidate).minor for each in some)

        charged = total([each for each in about if each.kind is TransactionKind.CHARGE])
        fined, waived = (total([each for each in about if each.kind in kinds]) for kinds in (FINED, WAIVED))
        return FeeDue(
            student=account.student,
            registration=enrolment.registration if enrolment else "",
            reference=account.reference,
            centre=enrolment.centre if enrolment else "",
            currency=account.charged.currency,
            is_charged=bool(about),
            charged=charged,
            fined=fined,
            waived=-waived,
            received=charged + fined + waived - total(about),
            is_undecided=any(each.state in PENDING and each.opened_at < before for each in account.orders),
            pay_by=account.pay_by,
        )
