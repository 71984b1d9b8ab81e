"""What the usual stack is sent and answers, as Pydantic's models."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,16}$")]


class ExamFeeBody(BaseModel):
    """A candidate asks to sit an exam."""

    model_config = ConfigDict(extra="forbid")
    schedule: str
    registration: str
    papers: tuple[Code, ...] = ()
    practicals: tuple[Code, ...] = ()


class Money(BaseModel):
    """An amount."""

    minor: int
    currency: str


class Line(BaseModel):
    """One amount of a price."""

    head: str
    why: str
    amount: Money


class Instalment(BaseModel):
    """A part of the total."""

    amount: Money
    due: date | None = None


class Fee(BaseModel):
    """What a submission and its event have in common."""

    reference: str
    registration: str
    student: UUID
    schedule: str
    schedule_version: int
    lines: list[Line]
    total: Money
    pay_by: datetime | None = None


class Submission(Fee):
    """One exam fee of one candidate."""

    id: UUID
    state: str = "submitted"
    papers: tuple[str, ...]
    practicals: tuple[str, ...]
    instalments: list[Instalment]
    received_at: datetime
    submitted_at: datetime


class FeeSubmitted(Fee):
    """A candidate owes a fee."""

    at: datetime
    subject: UUID
    version: int = 1
    schedule_title: str
    zone: str
    kit: str | None = None
