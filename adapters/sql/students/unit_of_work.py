"""The unit of work of the students context in SQL."""

from adapters.sql.engine.encrypted_columns import EncryptedColumns
from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.students.erasures import SqlErasures
from adapters.sql.students.roster import SqlStudents
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction
from core.students.ports import StudentsUnitOfWork


class SqlStudentsUnitOfWork(SqlUnitOfWork, StudentsUnitOfWork):
    """The roster."""

    def __init__(
        self,
        transactions: Transaction,
        encrypted: EncryptedColumns,
        erased: EncryptedColumns,
        clock: Clock,
        ids: Ids,
        within: Transaction | None = None,
    ) -> None:
        super().__init__(transactions, clock, ids, within)
        self.students = SqlStudents(self, encrypted)
        self.erasures = SqlErasures(self, erased)
