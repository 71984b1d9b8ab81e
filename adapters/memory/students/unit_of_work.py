"""The unit of work of the students context over the memory database."""

from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.engine.unit_of_work import MemoryUnitOfWork
from adapters.memory.students.erasures import MemoryErasures
from adapters.memory.students.roster import MemoryStudents
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.students.ports import StudentsUnitOfWork


class MemoryStudentsUnitOfWork(MemoryUnitOfWork, StudentsUnitOfWork):
    """The roster."""

    def __init__(self, database: MemoryDatabase, clock: Clock, ids: Ids, within: Transaction | None = None) -> None:
        super().__init__(database, clock, ids, within)
        self.students = MemoryStudents(self)
        self.erasures = MemoryErasures(self)
