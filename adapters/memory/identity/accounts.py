"""Accounts in the memory database."""

from collections.abc import Sequence
from functools import partial

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from core.identity.account import Account, AccountId
from core.identity.errors import StudentHasAccount
from core.identity.ports import AccountList, Accounts


class MemoryAccounts(Accounts):
    """Accounts by id."""

    def __init__(self, work: MemoryUnitOfWork) -> None:
        self._work = work

    async def find(self, account: AccountId) -> Account | None:
        return self._work.database.accounts.get(account)

    async def lock(self, account: AccountId) -> Account | None:
        return self._work.database.accounts.get(account)

    def add(self, account: Account) -> None:
        self._work.inserts.append(partial(self._add, account))

    def replace(self, account: Account) -> None:
        self._work.inserts.append(partial(self._put, account))
        self._work.inserts.append(self._work.database.change_credentials)

    def _add(self, account: Account) -> None:
        known = self._work.database.accounts.values()
        if account.student and any(each.student == account.student for each in known):
            raise StudentHasAccount("this student has an account already, which may be disabled")
        self._put(account)

    def _put(self, account: Account) -> None:
        self._work.undo_log.put(self._work.database.accounts, account.id, account)


class MemoryAccountList(AccountList):
    """Reads accounts in the order of their ids."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def page(self, after: AccountId | None, limit: int) -> Sequence[Account]:
        known = self._database.accounts
        return [known[each] for each in sorted(known) if after is None or each > after][:limit]
