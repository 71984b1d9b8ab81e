"""Create an account."""

from dataclasses import dataclass
from typing import ClassVar

from core.identity.account import Account, AccountId, NewAccount, check_power_over, permissions_of
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.roles import CHANGING_ACCESS
from core.kernel.audit import Deed
from core.kernel.authorization import Permission, current_principal, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids


@requires(Permission.ACCOUNTS_WRITE)
@dataclass(frozen=True, slots=True)
class CreateAccount:
    """Create an account, which has no credential yet."""

    ACTION: ClassVar = "create-account"

    new_work: NewIdentityUnitOfWork
    clock: Clock
    ids: Ids

    async def __call__(self, asked: NewAccount, request: RequestContext | None = None) -> Account:
        """Return the account; raise `NotPermitted` for roles that permit more than the caller may do.

        Roles that change accounts or keys need a fresh proof of identity: without it `StepUpNeeded` is raised.
        Raises `RequestRepeated` when the same request took effect before.
        """
        roles = frozenset(asked.roles)
        check_power_over(roles)
        if not CHANGING_ACCESS.isdisjoint(permissions_of(roles)):
            current_principal.get().require_fresh()
        account = Account(
            id=AccountId(self.ids.new()),
            roles=roles,
            name=asked.name,
            email=asked.email,
            centre=asked.centre,
            student=asked.student,
            created_at=self.clock.now(),
        )
        async with self.new_work() as work:
            work.accounts.add(account)
            work.audit(Deed(action=self.ACTION, target=f"account/{account.id}", after=account.audited()))
            if request:
                work.record_answer(request, account)
            await work.commit()
        return account
