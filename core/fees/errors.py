"""What can go wrong with a fee."""

from core.kernel.errors import Conflict, Invalid, NotFound


class UnknownSchedule(NotFound):
    """There is no fee schedule of this code."""

    problem = "unknown-schedule"


class UnknownCandidate(NotFound):
    """Nobody on the roster has this registration."""

    problem = "unknown-candidate"


class UnknownExamFee(NotFound):
    """There is no exam fee of this id or reference."""

    problem = "unknown-exam-fee"


class InvalidSchedule(Invalid):
    """The fee schedule contradicts itself or cannot be read."""

    problem = "invalid-schedule"


class NotPriced(Invalid):
    """The schedule has no price for a candidate of this category."""

    problem = "not-priced"


class NoPapers(Invalid):
    """The schedule prices papers, and none was chosen."""

    problem = "no-papers"


class TooManyPapers(Invalid):
    """The schedule does not allow this many papers."""

    problem = "too-many-papers"


class UnknownPractical(Invalid):
    """A practical belongs to a paper that was not chosen."""

    problem = "unknown-practical"


class ScheduleNotOpen(Conflict):
    """The schedule does not take submissions yet."""

    problem = "schedule-not-open"


class ScheduleClosed(Conflict):
    """The schedule takes no more submissions."""

    problem = "schedule-closed"


class FeeAlreadySubmitted(Conflict):
    """The candidate has submitted this fee before."""

    problem = "fee-already-submitted"


class SchedulePublishedMeanwhile(Conflict):
    """Somebody else published a version of the schedule at the same time."""

    problem = "schedule-published-meanwhile"
