"""Exam fees as queries show them: a submission with its timeline."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Self

from core.fees.submission import Submission, SubmissionId

NAMES = tuple(field.name for field in fields(Submission))
values_of = attrgetter(*NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One entry of the timeline of a fee."""

    at: datetime
    what: str
    """`received`, `stored`, `published`, or a channel and an outcome: `email accepted`."""
    detail: str = ""
    vendor: str = ""
    vendor_id: str = ""
    request_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFee(Submission):
    """A submission and its timeline, the oldest entry first."""

    timeline: tuple[TimelineEntry, ...]

    @classmethod
    def of(cls, submission: Submission, registration: str, entries: Iterable[TimelineEntry]) -> Self:
        """Return the fee with the registration of the roster and its entries in order, the receipt first."""
        story = sorted(entries, key=lambda entry: entry.at)
        cause = next((entry for entry in story if entry.what == "stored"), None)
        received = TimelineEntry(
            at=submission.received_at,
            what="received",
            request_id=cause.request_id if cause else "",
            traceparent=cause.traceparent if cause else "",
        )
        known = dict(zip(NAMES, values_of(submission), strict=True)) | {"registration": registration}
        return cls(**known, timeline=(received, *story))


@dataclass(frozen=True, slots=True)
class ExamFeePage:
    """A page of a student's submissions, the latest first."""

    items: tuple[Submission, ...]
    next: SubmissionId | None
    """The `after` of the next page; None at the end."""
