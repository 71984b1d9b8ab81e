"""Quote an exam fee."""

from dataclasses import dataclass

from core.fees.ports import Candidates, Tariffs
from core.fees.quote import Quote
from core.fees.reachable_candidate import reachable_candidate
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.authorization import Permission, requires
from core.kernel.idempotency import RequestContext


@requires(Permission.SUBMISSIONS_WRITE)
@dataclass(frozen=True, slots=True)
class QuoteExamFee:
    """Price an exam fee without storing it."""

    tariffs: Tariffs
    candidates: Candidates

    async def __call__(self, command: ExamFeeSubmission, request: RequestContext) -> Quote:
        """Return the quote; raise what `SubmitExamFee` raises before it stores."""
        schedule = await self.tariffs.current(command.schedule)
        candidate = await reachable_candidate(self.candidates, command.registration)
        return schedule.quote(candidate, command, request.arrived)
