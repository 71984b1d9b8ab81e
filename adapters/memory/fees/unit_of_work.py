"""The unit of work of the fees context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.fees.repricings import MemoryRepricings
from adapters.memory.fees.schedules_and_submissions import MemorySchedules, MemorySubmissions
from core.fees.ports import FeesUnitOfWork
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class MemoryFeesUnitOfWork(MemoryUnitOfWork, FeesUnitOfWork):
    """Schedules, submissions and repricings."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.schedules = MemorySchedules(self)
        self.submissions = MemorySubmissions(self)
        self.repricings = MemoryRepricings(self)
