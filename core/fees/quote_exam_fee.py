"""Say what an exam would cost."""

from dataclasses import dataclass

from core.fees.ports import Candidates, Tariffs
from core.fees.quote import Quote
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext


@dataclass(frozen=True, slots=True)
class QuoteExamFee:
    """Price an exam fee, and store nothing."""

    tariffs: Tariffs
    candidates: Candidates

    async def __call__(self, command: ExamFeeSubmission, request: RequestContext) -> Quote:
        """Return each line of the price; raise as `SubmitExamFee` would."""
        schedule = await self.tariffs.current(command.schedule)
        candidate = await self.candidates.find(command.registration)
        return schedule.quote(candidate, command.selection, request.arrived)
