"""Finds fees by their names in the memory database."""

from uuid import UUID

from adapters.memory.engine.database import MemoryDatabase
from core.fees.submission import SubmissionId
from core.payments.ports import FeeNames, NamedFee


class MemoryFeeNames(FeeNames):
    """Searches all accounts, then all submissions."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def find(self, name: str) -> NamedFee | None:
        known = self._database
        centres: dict[UUID, str] = {each.id: each.enrolment.centre for each in known.students.values()}
        charged = [(each.submission, each.reference, each.student) for each in known.fee_accounts.values()]
        submitted = [(each.id, each.reference, each.student) for each in known.submissions.values()]
        for fees, is_charged in ((charged, True), (submitted, False)):
            for submission, reference, student in fees:
                if name.upper() == reference or name.lower() == str(submission):
                    fee = known.submissions.get(SubmissionId(submission))
                    received = fee.received_at if fee else None
                    return NamedFee(submission, student, centres.get(student, ""), received, is_charged)
        return None
