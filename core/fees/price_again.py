"""Prices a submission again by another version of its schedule."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from core.fees.candidate import Candidate, StudentId
from core.fees.paper_selection import PaperSelection
from core.fees.quote import QuoteLine
from core.fees.repricing import Repricing, RepricingFigures
from core.fees.schedule import FeeSchedule
from core.fees.submission import Submission
from core.kernel.errors import CoreError
from core.kernel.events import Event
from core.kernel.money import Money


@dataclass(frozen=True, slots=True)
class HeadSum:
    """What the lines of one head add up to; what is taken off is a sum of its own, and negative."""

    head: str
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRepriced(Event):
    """A corrected version of the schedule has another price for a fee; its number is the version of the event."""

    CONTEXT = "fees"
    MESSAGE_TYPE = "FeeRepriced"

    reference: str
    student: StudentId
    schedule: str
    schedule_version: int
    before: tuple[HeadSum, ...]
    """As submitted."""
    after: tuple[HeadSum, ...]
    asked_by: str
    """The person who started the repricing."""


@dataclass(frozen=True, slots=True)
class PastSubmission:
    """A submission of an older version."""

    submission: Submission
    candidate: Candidate | None
    """As the roster has it now; None after an erasure."""
    told: FeeRepriced | None = None
    """The last difference that was told of it."""

    @property
    def price(self) -> tuple[HeadSum, ...]:
        """Return the price that was told last: as submitted, or by the repricing before, whatever was decided."""
        return self.told.after if self.told else sums_by_head(self.submission.lines)

    def is_told_by(self, version: int) -> bool:
        """Return whether the difference to a version is told."""
        return self.told is not None and self.told.schedule_version >= version


def price_again(past: PastSubmission, own: FeeSchedule | None, corrected: FeeSchedule) -> tuple[HeadSum, ...] | None:
    """Return the sums by a corrected version as of the arrival; None where a person has to look.

    What the own version asks for today's facts of the student shows whether they are those of the submission.
    """
    submission = past.submission
    if past.candidate is None or own is None or own.currency != corrected.currency:
        return None
    selection = PaperSelection(papers=submission.papers, practicals=submission.practicals)
    try:
        same, again = (each.price(past.candidate, selection, submission.received_at) for each in (own, corrected))
    except CoreError:
        return None
    return sums_by_head(again.lines) if sums_by_head(same.lines) == sums_by_head(submission.lines) else None


def sums_by_head(lines: Collection[QuoteLine]) -> tuple[HeadSum, ...]:
    """Return the sums, ordered by head, without those of nothing."""
    sums: defaultdict[tuple[str, bool], int] = defaultdict(int)
    for line in lines:
        sums[line.head, line.amount.minor < 0] += line.amount.minor
    currency = next((line.amount.currency for line in lines), "")
    return tuple(HeadSum(head, Money(minor, currency)) for (head, _), minor in sorted(sums.items()) if minor)


def figures_of(before: Collection[HeadSum], after: Collection[HeadSum]) -> RepricingFigures:
    """Return what one fee adds to the figures."""
    more = sum(each.amount.minor for each in after) - sum(each.amount.minor for each in before)
    if more > 0:
        return RepricingFigures(submissions=1, demands=1, demanded_minor=more)
    if more < 0:
        return RepricingFigures(submissions=1, refunds=1, refunded_minor=-more)
    return RepricingFigures(submissions=1, unchanged=int(before == after), transfers=int(before != after))


def difference(
    past: PastSubmission, after: tuple[HeadSum, ...], repricing: Repricing, at: datetime
) -> Iterator[FeeRepriced]:
    """Yield the event of a fee with another price; one that was told a difference before is told each later one.

    Its account alone knows what was decided.
    """
    submission, before = past.submission, sums_by_head(past.submission.lines)
    if before != after or past.told:
        yield FeeRepriced(
            at=at,
            subject=submission.id,
            version=repricing.version,
            reference=submission.reference,
            student=submission.student,
            schedule=submission.schedule,
            schedule_version=repricing.version,
            before=before,
            after=after,
            asked_by=repricing.asked_by,
        )
