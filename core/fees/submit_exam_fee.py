"""Submit an exam fee."""

from dataclasses import dataclass

from core.fees.paper_selection import Codes, PaperSelection
from core.fees.ports import Candidates, NewFeesUnitOfWork, Tariffs
from core.fees.reachable_candidate import reachable_candidate
from core.fees.submission import Submission, SubmissionId
from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFeeSubmission(PaperSelection):
    """A request to sit an exam in the selected papers, which accepts its fee."""

    schedule: str
    registration: str
    papers: Codes = ()


@requires(Permission.SUBMISSIONS_WRITE)
@dataclass(frozen=True, slots=True)
class SubmitExamFee:
    """Price an exam fee and store it; a repeated request takes effect once."""

    new_work: NewFeesUnitOfWork
    tariffs: Tariffs
    candidates: Candidates
    clock: Clock
    ids: Ids

    async def __call__(self, command: ExamFeeSubmission, request: RequestContext) -> Submission:
        """Return the stored submission.

        Raises `UnknownSchedule`, `UnknownCandidate`, what `FeeSchedule.quote` raises, `FeeAlreadySubmitted`
        naming the first submission, and `RequestRepeated` when the same request took effect before.
        """
        schedule = await self.tariffs.current(command.schedule)
        candidate = await reachable_candidate(self.candidates, command.registration)
        quote = schedule.quote(candidate, command, request.arrived)
        submission, submitted = Submission.submit(
            SubmissionId(self.ids.new()),
            candidate,
            schedule,
            command,
            quote,
            received_at=request.arrived,
            at=self.clock.now(),
        )
        async with self.new_work() as work:
            work.submissions.add(submission)
            work.record(submitted, kept=submission.facts)
            work.record_answer(request, submission)
            await work.commit()
        return submission
