"""Submit an exam fee."""

from dataclasses import dataclass

from core.fees.choice import Choice
from core.fees.ports import Candidates, NewFeesWork, Tariffs
from core.fees.submission import Submission, SubmissionId
from core.shared.clock import Clock
from core.shared.ids import Ids
from core.shared.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFeeSubmission:
    """A candidate asks to sit an exam and accepts its fee."""

    schedule: str
    registration: str
    choice: Choice


@dataclass(frozen=True, slots=True)
class SubmitExamFee:
    """Price an exam fee and store it, once however often it is asked."""

    new_work: NewFeesWork
    tariffs: Tariffs
    candidates: Candidates
    clock: Clock
    ids: Ids

    async def __call__(self, wish: ExamFeeSubmission, request: Request) -> Submission:
        """Return the stored submission.

        Raises `UnknownSchedule`, `UnknownCandidate`, what `FeeSchedule.quote` raises, `FeeAlreadySubmitted`
        naming the first submission, and `RequestRepeated` when this very request took effect before.
        """
        schedule = await self.tariffs.current(wish.schedule)
        candidate = await self.candidates.find(wish.registration)
        quote = schedule.quote(candidate, wish.choice, request.arrived)
        submission, submitted = Submission.submit(
            SubmissionId(self.ids.new()),
            candidate,
            schedule,
            wish.choice,
            quote,
            received_at=request.arrived,
            at=self.clock.now(),
        )
        async with self.new_work() as work:
            work.submissions.add(submission)
            work.record(submitted)
            work.answer(request, submission)
            await work.commit()
        return submission
