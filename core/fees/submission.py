"""A submission: a candidate asks to sit an exam and accepts its fee."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType, Self
from uuid import UUID

from core.fees.candidate import Candidate, StudentId
from core.fees.paper_selection import PaperSelection
from core.fees.quote import Instalment, Quote, QuoteLine
from core.fees.schedule import FeeSchedule
from core.kernel.events import Event
from core.kernel.money import Money

SubmissionId = NewType("SubmissionId", UUID)

CROCKFORD_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter is mistaken for a digit over the telephone."""


class SubmissionState(StrEnum):
    """How far a submission has come."""

    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSubmitted(Event):
    """A candidate owes a fee."""

    CONTEXT = "fees"
    MESSAGE_TYPE = "FeeSubmitted"

    reference: str
    student: StudentId
    registration: str
    schedule: str
    schedule_version: int
    schedule_title: str
    zone: str
    lines: tuple[QuoteLine, ...]
    total: Money
    pay_by: datetime | None
    kit: str | None = None
    """The sku of what the candidate is given from the stores; older events do not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFeeRefused(Event):
    """A command to submit a fee was refused."""

    CONTEXT = "fees"
    MESSAGE_TYPE = "ExamFeeRefused"

    command: UUID
    problem: str
    """The type of the problem, the same as over HTTP."""
    detail: str
    field: str | None
    """The JSON path of the guilty field, when there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """One exam fee of one candidate, priced by one version of a schedule for good."""

    id: SubmissionId
    reference: str
    state: SubmissionState
    registration: str
    student: StudentId
    schedule: str
    schedule_version: int
    papers: tuple[str, ...]
    practicals: tuple[str, ...]
    lines: tuple[QuoteLine, ...]
    total: Money
    instalments: tuple[Instalment, ...]
    pay_by: datetime | None
    received_at: datetime
    submitted_at: datetime

    @classmethod
    def submit(
        cls,
        submission: SubmissionId,
        candidate: Candidate,
        schedule: FeeSchedule,
        selection: PaperSelection,
        quote: Quote,
        *,
        received_at: datetime,
        at: datetime,
    ) -> tuple[Self, FeeSubmitted]:
        """Accept what was quoted."""
        made = cls(
            id=submission,
            reference=reference(submission),
            state=SubmissionState.SUBMITTED,
            registration=candidate.registration,
            student=candidate.id,
            schedule=schedule.code,
            schedule_version=schedule.version,
            papers=selection.papers,
            practicals=selection.practicals,
            lines=quote.lines,
            total=quote.total,
            instalments=quote.instalments,
            pay_by=quote.pay_by,
            received_at=received_at,
            submitted_at=at,
        )
        return made, made.submitted(schedule)

    def submitted(self, schedule: FeeSchedule) -> FeeSubmitted:
        """Say so to the world."""
        return FeeSubmitted(
            at=self.submitted_at,
            subject=self.id,
            version=1,
            reference=self.reference,
            student=self.student,
            registration=self.registration,
            schedule=self.schedule,
            schedule_version=self.schedule_version,
            schedule_title=schedule.title,
            zone=schedule.zone,
            lines=self.lines,
            total=self.total,
            pay_by=self.pay_by,
            kit=schedule.kit,
        )


def reference(submission: SubmissionId) -> str:
    """Return the number a candidate writes on a form: `BF-7K3M-9QZ4-XA2B-C`.

    60 of the id's random bits in base 32, and a Luhn letter that catches every single wrong one.
    """
    digits = [submission.int >> shift & 31 for shift in range(55, -1, -5)]
    luhn = sum(digits[::2]) + sum([digit * 2 // 32 + digit * 2 % 32 for digit in digits[1::2]])
    letters = "".join([CROCKFORD_BASE32[digit] for digit in digits])
    return f"BF-{letters[:4]}-{letters[4:8]}-{letters[8:]}-{CROCKFORD_BASE32[-luhn % 32]}"
