"""Look at exam fees."""

from dataclasses import dataclass
from uuid import UUID

from core.fees.errors import UnknownExamFee
from core.fees.exam_fee import ExamFee, Page
from core.fees.ports import Candidates, ExamFees
from core.fees.submission import SubmissionId


@dataclass(frozen=True, slots=True)
class ShowExamFee:
    """Show one exam fee and its timeline."""

    exam_fees: ExamFees

    async def __call__(self, name: str) -> ExamFee:
        """Return the exam fee of this id or reference, or raise `UnknownExamFee`."""
        try:
            found = await self.exam_fees.find(SubmissionId(UUID(name)))
        except ValueError:
            found = await self.exam_fees.find_reference(name.upper())
        if found is None:
            raise UnknownExamFee(f"there is no exam fee {name[:40]!r}")
        return found


@dataclass(frozen=True, slots=True)
class ListExamFees:
    """List the exam fees of one candidate."""

    exam_fees: ExamFees
    candidates: Candidates

    async def __call__(self, registration: str, after: SubmissionId | None, limit: int) -> Page:
        """Return up to `limit` submissions, or raise `UnknownCandidate`."""
        candidate = await self.candidates.find(registration)
        found = await self.exam_fees.of_student(candidate.id, after, limit + 1)
        return Page(tuple(found[:limit]), found[limit - 1].id if len(found) > limit else None)
