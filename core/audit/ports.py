"""The ports of the audit context."""

from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, ClassVar, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from core.audit.chain import Head
from core.audit.signed_head import SignedHead
from core.kernel.audit import MAX_TARGET_LENGTH, AuditRecord
from core.kernel.constraints import VISIBLE_LINE, Text
from core.kernel.errors import NotFound
from core.kernel.period import Period

WORD = Text(f"one printable line of 1 to {MAX_TARGET_LENGTH} characters", VISIBLE_LINE, MAX_TARGET_LENGTH)
AuditWord: TypeAlias = Annotated[str, WORD]


class UnknownAuditRecord(NotFound):
    """No audit record has this id."""

    problem = "unknown-audit-record"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """The filter of a list of audit records."""

    actor: AuditWord | None = None
    action: AuditWord | None = None
    target: AuditWord | None = None
    outcome: AuditWord | None = None
    during: Period = field(default_factory=Period)

    def __post_init__(self) -> None:
        for name, word in self.words.items():
            WORD.check(name, word)

    @property
    def words(self) -> Mapping[str, str]:
        """Return the fields of records that have one value, by name."""
        given = {"actor": self.actor, "action": self.action, "target": self.target, "outcome": self.outcome}
        return {name: word for name, word in given.items() if word is not None}


class AuditTrail(Protocol):
    """The audit records, for people."""

    @abstractmethod
    async def newest(self, which: AuditFilter, after: UUID | None, limit: int) -> Sequence[AuditRecord]:
        """Return the newest records, or the newest before `after`; raise `UnknownAuditRecord` for that one."""


class Link(NamedTuple):
    """A seal with the canonical text of its record; None: there is no such record."""

    sequence: int
    record: UUID
    hash: bytes
    text: str | None


class Stray(NamedTuple):
    """A record without a seal."""

    record: UUID
    at: datetime
    is_waiting: bool
    """Whether the sealer knows of it, as it does of every record that a unit of work stored."""


class Strays(NamedTuple):
    """The records without a seal among some records in the order of their ids."""

    records: Sequence[Stray]
    last: UUID | None
    """The last id that was looked at; None: there are no further records."""


class AuditChain(Protocol):
    """The seals of the audit records."""

    @abstractmethod
    async def seal(self, limit: int) -> int:
        """Seal up to `limit` committed records, and return how many; 0 also if another process seals at this moment."""

    @abstractmethod
    async def head(self) -> Head:
        """Return the newest seal; `EMPTY_CHAIN` without one."""

    @abstractmethod
    async def links(self, after: int, limit: int) -> Sequence[Link]:
        """Return the seals behind a sequence, in their order."""

    @abstractmethod
    async def strays(self, after: UUID | None, limit: int) -> Strays:
        """Look for records without a seal among `limit` records behind an id."""


class AuditAnchors(Protocol):
    """The heads of the chain, where the administrator of the database cannot write."""

    keeps_heads: ClassVar[bool] = True
    """False: what is published is gone, and `heads` yields nothing."""

    @abstractmethod
    async def publish(self, head: SignedHead) -> None:
        """Add a head, durably; raise `Unavailable`."""

    @abstractmethod
    def heads(self) -> AsyncIterator[SignedHead]:
        """Yield every published head, the oldest first; raise `Unavailable`, or `Invalid` for what is none."""
