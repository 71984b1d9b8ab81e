"""The requests and responses of the Litestar peer as msgspec structs."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Struct

Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,16}$")]


class ExamFeeBody(Struct, forbid_unknown_fields=True):
    """The request for an exam fee."""

    schedule: str
    registration: str
    papers: tuple[Code, ...] = ()
    practicals: tuple[Code, ...] = ()


class Money(Struct):
    """An amount of money."""

    minor: int
    currency: str


class Line(Struct):
    """One amount of a price."""

    head: str
    why: str
    amount: Money


class Instalment(Struct):
    """One line of a total."""

    amount: Money
    due: date | None = None


class Fee(Struct, kw_only=True):
    """The common fields of a submission and its event."""

    reference: str
    registration: str
    student: UUID
    schedule: str
    schedule_version: int
    lines: list[Line]
    total: Money
    pay_by: datetime | None = None


class Submission(Fee, kw_only=True):
    """A submitted exam fee."""

    id: UUID
    state: str = "submitted"
    papers: tuple[str, ...]
    practicals: tuple[str, ...]
    instalments: list[Instalment]
    received_at: datetime
    submitted_at: datetime


class FeeSubmitted(Fee, kw_only=True):
    """The event of a submission."""

    at: datetime
    subject: UUID
    version: int = 1
    schedule_title: str
    zone: str
    kit: str | None = None


def encode(message: Struct) -> str:
    """Return a message as JSON."""
    return msgspec.json.encode(message).decode()
