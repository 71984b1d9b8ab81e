"""The tables of the product as classes of SQLAlchemy's ORM."""

from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, Mapped

from adapters.sql.engine.tables import event_log, outbox, requests
from adapters.sql.fees.tables import fee_schedules, submissions
from adapters.sql.students.tables import students


class Table(DeclarativeBase):
    """The base class of all tables."""


class Student(Table):
    """A candidate."""

    __table__ = students
    id: Mapped[UUID]
    registration: Mapped[str]
    category: Mapped[str]


class FeeSchedule(Table):
    """A version of a fee schedule."""

    __table__ = fee_schedules
    code: Mapped[str]
    version: Mapped[int]
    document: Mapped[str]


class Submission(Table):
    """A submitted exam fee."""

    __table__ = submissions


class LoggedEvent(Table):
    """An event in the log."""

    __table__ = event_log


class OutboxEntry(Table):
    """An event that is not published yet."""

    __table__ = outbox


class Answered(Table):
    """A request and its answer."""

    __table__ = requests
    fingerprint: Mapped[bytes]
    answer: Mapped[bytes]
