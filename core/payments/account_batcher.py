"""Batches changes of fee accounts: those that arrive at the same moment share one lock, one write and one commit.

An account that another transaction keeps locked is waited for alone, so that the payers of others do not wait for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from core.kernel.batching import Batcher, PendingItem, isolate_failures
from core.kernel.errors import CoreError, GaveWay
from core.kernel.idempotency import RequestContext
from core.payments.fee_account import FeeAccount
from core.payments.ports import NewPaymentsUnitOfWork, PaymentsUnitOfWork

R = TypeVar("R")
MAX_CONTENDED_ACCOUNTS = 4
"""Locked accounts that are waited for at a time; the remaining connections serve other requests."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A change of one account."""

    submission: UUID
    make: Callable[[FeeAccount], Any]
    request: RequestContext | None
    """Whose answer is what the change returns."""

    def store(self, work: PaymentsUnitOfWork, account: FeeAccount, result: Any) -> None:
        """Store the changed account, and the answer."""
        work.accounts.save(account)
        work.record(*account.events)
        if self.request:
            work.record_answer(self.request, result)


LEFT = object()
"""The outcome of a change that is to be made alone."""
PendingChange = PendingItem[AccountChange, Any]


class AccountBatcher:
    """Changes single accounts in batches."""

    def __init__(self, new_work: NewPaymentsUnitOfWork) -> None:
        self._new_work = new_work
        self._batcher = Batcher[AccountChange, Any](self._change_batch)
        self._contention_slots = asyncio.Semaphore(MAX_CONTENDED_ACCOUNTS)

    async def change(
        self, submission: UUID, make: Callable[[FeeAccount], R], request: RequestContext | None = None
    ) -> R:
        """Return what the change returns, as the answer to the request, or raise what it raises.

        A change may be made again on a new copy of the account, so it changes nothing else.
        """
        change = AccountChange(submission, make, request)
        result: R = await self._batcher(change)
        if result is not LEFT:
            return result
        async with self._contention_slots, self._new_work() as work:
            account = (await work.accounts.lock([submission]))[submission]
            result = make(account)
            change.store(work, account, result)
            await work.commit()
        return result

    async def _change_batch(self, batch: Sequence[PendingChange]) -> None:
        await isolate_failures(batch, self._change_together, fail, isolated=(GaveWay,))

    async def _change_together(self, batch: Sequence[PendingChange]) -> None:
        async with self._new_work() as work:
            accounts = dict(await work.accounts.lock({each.item.submission for each in batch}, wait=False))
            outcomes = [outcome(work, each.item, accounts.pop(each.item.submission, None)) for each in batch]
            await work.commit()
        for each, made in zip(batch, outcomes, strict=True):
            each.fail(made) if isinstance(made, CoreError) else each.resolve(made)


def outcome(work: PaymentsUnitOfWork, change: AccountChange, account: FeeAccount | None) -> Any:
    """Return what a change returns or raises; it is left if another one has the account, or if it makes events.

    Events tell in whose request they happened, which a batch does not know.
    """
    if account is None:
        return LEFT
    try:
        result = change.make(account)
    except CoreError as refusal:
        return refusal
    if account.events:
        return LEFT
    change.store(work, account, result)
    return result


async def fail(pending: PendingChange, failure: Exception) -> None:
    """Raise the failure to the caller that awaits the change."""
    pending.fail(failure)
