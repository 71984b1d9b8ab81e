"""Column types with the same meaning on MySQL and SQLite."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, Text, TypeDecorator
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine


def id_bytes(value: UUID | None) -> bytes | None:
    """Return the 16 bytes of a UUID."""
    return None if value is None else value.int.to_bytes(16)


def in_utc(value: datetime | None) -> datetime | None:
    """Return the same moment with the offset of UTC."""
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


def id_of(value: bytes | None) -> UUID | None:
    """Return the UUID of its bytes."""
    return None if value is None else UUID(bytes=value)


def with_utc(value: datetime | None) -> datetime | None:
    """Return a naive time of UTC with its offset."""
    return None if value is None else value.replace(tzinfo=UTC)


class Id(TypeDecorator[UUID]):
    """A UUID in 16 bytes; UUIDv7 sort by time."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return BINARY(16) for MySQL."""
        return mysql.BINARY(16) if dialect.name == "mysql" else LargeBinary(16)

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - SQLAlchemy passes it
        """Return the bytes of a UUID."""
        return id_bytes(value)

    def bind_processor(self, dialect: Dialect) -> Callable[[UUID | None], bytes | None]:  # noqa: ARG002 - SQLAlchemy passes it
        """Return the conversion itself: the one of `TypeDecorator` makes three calls of it."""
        return id_bytes

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], UUID | None]:  # noqa: ARG002 - SQLAlchemy passes it
        """Return the conversion itself, as `bind_processor` does."""
        return id_of


class UtcDateTime(TypeDecorator[datetime]):
    """A time in microseconds, stored as naive UTC because the drivers drop offsets silently."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return DATETIME(6) for MySQL."""
        return mysql.DATETIME(fsp=6) if dialect.name == "mysql" else DateTime()

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy passes it
        """Return naive UTC."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Return a conversion that leaves a time in UTC as it is, on MySQL, whose driver does not read the offset."""
        return in_utc if dialect.name == "mysql" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy passes it
        """Return the time in UTC."""
        return with_utc(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Return the conversion itself on MySQL, whose driver returns times."""
        return with_utc if dialect.name == "mysql" else super().result_processor(dialect, coltype)


Json = Text().with_variant(mysql.MEDIUMTEXT(), "mysql")
"""JSON as msgspec wrote it; MySQL's JSON type would reorder keys."""
Encrypted = LargeBinary(1100).with_variant(mysql.VARBINARY(1100), "mysql")
"""A text as `ColumnCipher` encrypts it: a mail address has at most 254 characters, of up to four bytes."""
EncryptedBody = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
"""A body as `ColumnCipher` encrypts it, at most as long as HTTP takes one."""
KeyedDigest = LargeBinary(40).with_variant(mysql.BINARY(40), "mysql")
"""What finds an encrypted text: eight bytes that name the key, and an HMAC-SHA-256."""
Blob = LargeBinary().with_variant(mysql.MEDIUMBLOB(), "mysql")
Position = BigInteger().with_variant(Integer(), "sqlite")
"""An autoincrement number; SQLite supports that only for INTEGER."""
