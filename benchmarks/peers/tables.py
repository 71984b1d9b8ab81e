"""The fee office's own tables as classes of SQLAlchemy's ORM."""

from uuid import UUID

from sqlalchemy.orm import DeclarativeBase, Mapped

from adapters.sql import tables


class Table(DeclarativeBase):
    """Anything stored."""


class Student(Table):
    """A candidate."""

    __table__ = tables.students
    id: Mapped[UUID]
    registration: Mapped[str]
    category: Mapped[str]


class FeeSchedule(Table):
    """A version of a tariff."""

    __table__ = tables.fee_schedules
    code: Mapped[str]
    version: Mapped[int]
    document: Mapped[str]


class Submission(Table):
    """An exam fee."""

    __table__ = tables.submissions


class LoggedEvent(Table):
    """Something that happened."""

    __table__ = tables.event_log


class OutboxEntry(Table):
    """An event that is still to be published."""

    __table__ = tables.outbox


class Answered(Table):
    """A request, and what it was answered."""

    __table__ = tables.requests
    fingerprint: Mapped[bytes]
    answer: Mapped[bytes]
