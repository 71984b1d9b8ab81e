"""A unit of work with the repositories of every context, on each kind of persistence."""

from collections.abc import Sequence
from typing import Any

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.fees.unit_of_work import MemoryFeesUnitOfWork
from adapters.memory.identity.unit_of_work import MemoryIdentityUnitOfWork
from adapters.memory.inventory.unit_of_work import MemoryInventoryUnitOfWork
from adapters.memory.ledger.unit_of_work import MemoryLedgerUnitOfWork
from adapters.memory.notifications.unit_of_work import MemoryNotificationsUnitOfWork
from adapters.memory.payments.unit_of_work import MemoryPaymentsUnitOfWork
from adapters.memory.receipts.unit_of_work import MemoryReceiptsUnitOfWork
from adapters.memory.settlements.unit_of_work import MemorySettlementsUnitOfWork
from adapters.memory.students.unit_of_work import MemoryStudentsUnitOfWork
from config.container import Application
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction

IN_MEMORY = (
    MemoryFeesUnitOfWork,
    MemoryStudentsUnitOfWork,
    MemoryNotificationsUnitOfWork,
    MemoryInventoryUnitOfWork,
    MemoryIdentityUnitOfWork,
    MemoryLedgerUnitOfWork,
    MemoryPaymentsUnitOfWork,
    MemoryReceiptsUnitOfWork,
    MemorySettlementsUnitOfWork,
)


def memory_work(database: MemoryDatabase, clock: Clock, ids: Ids, *, within: Transaction | None = None) -> Any:
    """Open a unit of work over memory."""
    return joined([kind(database, clock, ids, within) for kind in IN_MEMORY])


def any_work(application: Application, within: Transaction | None = None) -> Any:
    """Open a unit of work on the persistence of an application."""
    contexts = (application.fees, application.students, application.notifications, application.inventory)
    money = (application.payments, application.receipts, application.settlements)
    others = (application.identity, application.ledger, *money)
    return joined([context.new_work(within=within) for context in (*contexts, *others)])


def joined(works: Sequence[Any]) -> Any:
    """Return one unit of work with the repositories of all given ones."""
    first, *others = works
    for other in others:
        for name, value in vars(other).items():
            if not name.startswith("_") and not hasattr(first, name):
                if hasattr(value, "_work"):
                    value._work = first
                setattr(first, name, value)
    return first
