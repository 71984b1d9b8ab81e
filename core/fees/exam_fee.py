"""What people see of an exam fee."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Self

from core.fees.submission import Submission, SubmissionId


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """Something that happened to a fee."""

    at: datetime
    what: str
    """`received`, `stored`, `published`, or the channel and what came of it: `email accepted`."""
    detail: str = ""
    vendor: str = ""
    vendor_id: str = ""
    request_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFee(Submission):
    """A submission and its story so far, the oldest first."""

    timeline: tuple[TimelineEntry, ...]

    @classmethod
    def of(cls, submission: Submission, entries: Iterable[TimelineEntry]) -> Self:
        """Tell the story in order, beginning with the arrival."""
        story = sorted(entries, key=lambda entry: entry.at)
        cause = next((entry for entry in story if entry.what == "stored"), None)
        received = TimelineEntry(
            at=submission.received_at,
            what="received",
            request_id=cause.request_id if cause else "",
            traceparent=cause.traceparent if cause else "",
        )
        known = {field.name: getattr(submission, field.name) for field in fields(Submission)}
        return cls(**known, timeline=(received, *story))


@dataclass(frozen=True, slots=True)
class ExamFeePage:
    """Some of a student's submissions, the latest first."""

    items: tuple[Submission, ...]
    next: SubmissionId | None
    """Ask for what comes after this one; None at the end."""
