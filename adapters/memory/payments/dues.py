"""What was posted about the fees of a schedule, in the memory database."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.ledger.reports import MemoryReports
from core.ledger.account import AccountKind, LedgerAccount
from core.ledger.reports.ports import Movement
from core.ledger.reports.waivers import waived_of_charge
from core.ledger.transaction import CHARGED, FINED, WAIVED, LedgerTransaction
from core.payments.dues import Dues, FeeDue
from core.payments.fee_account import FeeAccount
from core.payments.order import PENDING
from core.students.student import Enrolment


class MemoryDues(Dues):
    """Looks through everything."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def pages(self, schedule: str, centre: str, before: datetime) -> AsyncGenerator[Sequence[FeeDue], None]:
        accounts = sorted(self._database.fee_accounts.items())
        of_schedule = [account for _, account in accounts if account.schedule == schedule]
        debts = await MemoryReports(self._database).debts({each.submission for each in of_schedule})
        fees = [self._due(each, debts[each.submission], before) for each in of_schedule]
        if found := [each for each in fees if centre in ("", each.centre)]:
            yield found

    def _due(self, account: FeeAccount, debts: Sequence[Movement], before: datetime) -> FeeDue:
        students: dict[UUID, Enrolment] = {each.id: each.enrolment for each in self._database.students.values()}
        enrolment = students.get(account.student)
        stored = self._database.ledger_transactions.values()
        about = [each for each in stored if each.about == account.submission and each.at < before]
        candidate = LedgerAccount(AccountKind.CANDIDATE, str(account.student))

        def total(some: Collection[LedgerTransaction]) -> int:
            return sum(each.effect_on(candidate).minor for each in some)

        charged = total([each for each in about if each.kind in CHARGED])
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
            instalments=account.instalments,
            waived_of_charge=waived_of_charge(debts, before),
        )
