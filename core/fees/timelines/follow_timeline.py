"""Follow the timeline of an exam fee."""

from dataclasses import dataclass

from core.fees.ports import Candidates, ExamFees
from core.fees.show_exam_fee import ShowExamFee
from core.fees.timelines.followed_timeline import FollowedTimeline
from core.fees.timelines.timeline_watch import TimelineWatch
from core.kernel.authorization import Permission, requires


@requires(Permission.SUBMISSIONS_READ)
@dataclass(frozen=True, slots=True)
class FollowTimeline:
    """Follow what happens to an exam fee."""

    exam_fees: ExamFees
    candidates: Candidates
    timeline_watch: TimelineWatch

    async def __call__(self, name: str, last: str = "") -> FollowedTimeline:
        """Return the timeline of the exam fee of this id or reference, after the step `last`; the caller closes it.

        Raises `UnknownExamFee`, `UnknownTimelineStep` and `TooManyFollowers`.
        """
        exam_fee = await ShowExamFee(self.exam_fees, self.candidates)(name)
        return await self.timeline_watch.follow(exam_fee.id, last)
