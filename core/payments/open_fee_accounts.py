"""Open fee accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.money import Money
from core.payments.fee_account import FeeAccount
from core.payments.fine import FineTerms
from core.payments.instalment import Instalment, by_deadline
from core.payments.ports import NewPaymentsUnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedFee:
    """A submission that is charged."""

    submission: UUID
    student: UUID
    reference: str
    schedule: str
    total: Money
    pay_by: datetime | None
    at: datetime
    fine_terms: FineTerms | None = None
    instalments: tuple[Instalment, ...] = ()

    def account(self) -> FeeAccount:
        """Return its account; a fee of nothing is cleared at once."""
        opened = FeeAccount(
            submission=self.submission,
            student=self.student,
            reference=self.reference,
            schedule=self.schedule,
            charged=self.total,
            pay_by=self.pay_by,
            fine_terms=self.fine_terms,
            instalments=self._instalments(),
        )
        opened.plan(self.at)
        opened.settle(self.at)
        return opened

    def _instalments(self) -> tuple[Instalment, ...]:
        """Return those with a deadline of their own; none where the whole is due at once."""
        ordered = by_deadline(self.instalments)
        return () if [each.pay_by for each in ordered] == [self.pay_by] else ordered


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class OpenFeeAccounts:
    """Open the accounts of submitted fees; one that exists stays as it is."""

    new_work: NewPaymentsUnitOfWork

    async def __call__(self, fees: Sequence[ChargedFee]) -> None:
        """Store the accounts that are new."""
        wanted = {each.submission: each for each in fees}
        async with self.new_work() as work:
            known = await work.accounts.lock(wanted)
            for submission, fee in wanted.items():
                if submission not in known:
                    account = fee.account()
                    work.accounts.add(account)
                    work.record(*account.events)
            await work.commit()
