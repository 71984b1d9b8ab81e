"""What can go wrong with a fee."""

from core.shared.errors import Conflict, Invalid, NotFound


class UnknownSchedule(NotFound):
    """There is no fee schedule of this code."""


class UnknownCandidate(NotFound):
    """Nobody on the roster has this registration."""


class UnknownExamFee(NotFound):
    """There is no exam fee of this id or reference."""


class InvalidSchedule(Invalid):
    """The fee schedule contradicts itself or cannot be read."""


class NotPriced(Invalid):
    """The schedule has no price for a candidate of this category."""


class NoPapers(Invalid):
    """The schedule prices papers, and none was chosen."""


class TooManyPapers(Invalid):
    """The schedule does not allow this many papers."""


class UnknownPractical(Invalid):
    """A practical belongs to a paper that was not chosen."""


class ScheduleNotOpen(Conflict):
    """The schedule does not take submissions yet."""


class ScheduleClosed(Conflict):
    """The schedule takes no more submissions."""


class FeeAlreadySubmitted(Conflict):
    """The candidate has submitted this fee before."""


class SchedulePublishedMeanwhile(Conflict):
    """Somebody else published a version of the schedule at the same time."""
