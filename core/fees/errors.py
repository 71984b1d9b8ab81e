"""The errors of the fees context."""

from typing import Self
from uuid import UUID

from core.kernel.errors import Conflict, NotFound, Unprocessable


class UnknownSchedule(NotFound):
    """No fee schedule has this code."""

    problem = "unknown-schedule"

    @classmethod
    def coded(cls, code: str) -> Self:
        """Return the error for a code that may be of any length."""
        return cls(f"there is no fee schedule {code[:40]!r}", at="$.schedule")


class UnknownCandidate(NotFound):
    """No student on the roster has this registration."""

    problem = "unknown-candidate"

    @classmethod
    def registered(cls, registration: str) -> Self:
        """Return the error for a registration that may be of any length."""
        return cls(f"no student on the roster has the registration {registration[:40]!r}", at="$.registration")


class UnknownExamFee(NotFound):
    """No exam fee has this id or reference."""

    problem = "unknown-exam-fee"


class InvalidSchedule(Unprocessable):
    """The fee schedule contradicts itself or cannot be read."""

    problem = "invalid-schedule"


class NotPriced(Unprocessable):
    """The schedule has no price for a candidate of this category."""

    problem = "not-priced"


class NoPapers(Unprocessable):
    """The schedule prices papers, and the selection has none."""

    problem = "no-papers"


class TooManyPapers(Unprocessable):
    """The schedule does not allow this many papers."""

    problem = "too-many-papers"


class UnknownPractical(Unprocessable):
    """A practical belongs to a paper that is not selected."""

    problem = "unknown-practical"


class ScheduleNotOpen(Conflict):
    """The schedule does not accept submissions yet."""

    problem = "schedule-not-open"


class ScheduleClosed(Conflict):
    """The schedule accepts no more submissions."""

    problem = "schedule-closed"


class FeeAlreadySubmitted(Conflict):
    """The candidate has submitted this fee before."""

    problem = "fee-already-submitted"

    @classmethod
    def with_reference(cls, submission: UUID, reference: str) -> Self:
        """Return the error that names the first submission."""
        return cls(
            f"the candidate submitted this fee before, as {reference}",
            facts={"submission": str(submission), "reference": reference},
        )


class SchedulePublishedMeanwhile(Conflict):
    """Another request published another content of the schedule at the same time."""

    problem = "schedule-published-meanwhile"

    @classmethod
    def coded(cls, code: str) -> Self:
        """Return the error for the code of a schedule."""
        return cls(f"another request published {code} at the same time; read it, then publish again")


class UnknownRepricing(NotFound):
    """No repricing has this id."""

    problem = "unknown-repricing"


class RepricingNotReady(Conflict):
    """The repricing is not counted, has another count, or is of an older version."""

    problem = "repricing-not-ready"
