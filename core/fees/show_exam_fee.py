"""Show an exam fee."""

from dataclasses import dataclass
from uuid import UUID

from core.fees.errors import UnknownCandidate, UnknownExamFee
from core.fees.exam_fee import ExamFee
from core.fees.ports import Candidates, ExamFees
from core.fees.submission import SubmissionId
from core.kernel.authorization import Permission, current_principal, requires


@requires(Permission.SUBMISSIONS_READ)
@dataclass(frozen=True, slots=True)
class ShowExamFee:
    """Show one exam fee and its timeline."""

    exam_fees: ExamFees
    candidates: Candidates

    async def __call__(self, name: str) -> ExamFee:
        """Return the exam fee of this id or reference, or raise `UnknownExamFee`."""
        try:
            found = await self.exam_fees.find(SubmissionId(UUID(name)))
        except ValueError:
            found = await self.exam_fees.find_by_reference(name.upper())
        if found is None or not await self._is_reached(found):
            raise UnknownExamFee(f"there is no exam fee {name[:40]!r}")
        return found

    async def _is_reached(self, exam_fee: ExamFee) -> bool:
        if not (principal := current_principal.get()).is_scoped:
            return True
        try:
            candidate = await self.candidates.find(exam_fee.registration)
        except UnknownCandidate:  # the student was erased
            return False
        return principal.reaches(candidate.id, candidate.centre)
