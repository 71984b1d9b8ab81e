"""List exam fees."""

from dataclasses import dataclass

from core.fees.exam_fee import ExamFeePage
from core.fees.ports import Candidates, ExamFees
from core.fees.reachable_candidate import reachable_candidate
from core.fees.submission import SubmissionId
from core.kernel.authorization import Permission, requires


@requires(Permission.SUBMISSIONS_READ)
@dataclass(frozen=True, slots=True)
class ListExamFees:
    """List the exam fees of one candidate."""

    exam_fees: ExamFees
    candidates: Candidates

    async def __call__(self, registration: str, after: SubmissionId | None, limit: int) -> ExamFeePage:
        """Return up to `limit` submissions, or raise `UnknownCandidate`."""
        candidate = await reachable_candidate(self.candidates, registration)
        found = await self.exam_fees.list_by_student(candidate.id, after, limit + 1)
        return ExamFeePage(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
