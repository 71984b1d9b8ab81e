"""Queries of waivers in the memory database."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.ledger.account import AccountKind
from core.payments.ports import WaitingWaiver, Waivers
from core.payments.waiver import WaiverState


class MemoryWaivers(Waivers):
    """Searches all accounts."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def waiting(self, after: UUID | None, limit: int) -> Sequence[WaitingWaiver]:
        found = [
            WaitingWaiver(account.submission, account.reference, deepcopy(each))
            for account in self._database.fee_accounts.values()
            for each in account.waivers
            if each.state is WaiverState.REQUESTED and (after is None or each.id > after)
        ]
        return sorted(found, key=lambda each: each.waiver.id)[:limit]

    async def submission_of(self, waiver: UUID) -> UUID | None:
        accounts = self._database.fee_accounts.values()
        return next((each.submission for each in accounts if any(one.id == waiver for one in each.waivers)), None)

    async def heads(self, submission: UUID) -> Collection[str]:
        about = [each for each in self._database.ledger_transactions.values() if each.about == submission]
        credited = [posting.credit for each in about for posting in each.postings]
        return {each.name for each in credited if each.kind is AccountKind.INCOME}
