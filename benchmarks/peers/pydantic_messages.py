"""The requests and responses of the usual stack as Pydantic models."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,16}$")]


class ExamFeeBody(BaseModel):
    """The request for an exam fee."""

    model_config = ConfigDict(extra="forbid")
    schedule: str
    registration: str
    papers: tuple[Code, ...] = ()
    practicals: tuple[Code, ...] = ()


class Money(BaseModel):
    """An amount of money."""

    minor: int
    currency: str


class Line(BaseModel):
    """One amount of a price."""

    head: str
    why: str
    amount: Money


class Instalment(BaseModel):
    """One line of a total."""

    amount: Money
    due: date | None = None


class Fee(BaseModel):
    """The common fields of a submission and its event."""

    reference: str
    registration: str
    student: UUID
    schedule: str
    schedule_version: int
    lines: list[Line]
    total: Money
    pay_by: datetime | None = None


class Submission(Fee):
    """A submitted exam fee."""

    id: UUID
    state: str = "submitted"
    papers: tuple[str, ...]
    practicals: tuple[str, ...]
    instalments: list[Instalment]
    received_at: datetime
    submitted_at: datetime


class FeeSubmitted(Fee):
    """The event of a submission."""

    at: datetime
    subject: UUID
    version: int = 1
    schedule_title: str
    zone: str
    kit: str | None = None


def encode(message: BaseModel) -> str:
    """Return a message as JSON."""
    return message.model_dump_json()
