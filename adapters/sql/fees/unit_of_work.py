"""The unit of work of the fees context in SQL."""

from adapters.sql.engine.unit_of_work import SqlUnitOfWork
from adapters.sql.fees.repricings import SqlRepricings
from adapters.sql.fees.schedules_and_submissions import SqlSchedules, SqlSubmissions
from core.fees.ports import FeesUnitOfWork, ScheduleFormat
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.unit_of_work import Transaction


class SqlFeesUnitOfWork(SqlUnitOfWork, FeesUnitOfWork):
    """Schedules, submissions and repricings."""

    def __init__(
        self,
        transactions: Transaction,
        schedule_format: ScheduleFormat,
        clock: Clock,
        ids: Ids,
        within: Transaction | None = None,
    ) -> None:
        super().__init__(transactions, clock, ids, within)
        self.schedules = SqlSchedules(self, schedule_format)
        self.submissions = SqlSubmissions(self)
        self.repricings = SqlRepricings(self)
