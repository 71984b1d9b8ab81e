"""Audit records: who did what to what, from where and why, or was refused."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

DONE: Final = "done"
"""The outcome of a deed; a refusal has the last part of its problem type instead."""
MAX_ACTOR_LENGTH, MAX_ADDRESS_LENGTH, MAX_TARGET_LENGTH, MAX_REASON_LENGTH = 128, 128, 320, 500
"""In characters; longer texts are cut."""
FIELD_SEPARATOR = "\x1f"
"""Between the fields of a canonical text; JSON escapes it, and other fields contain no control characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What the current principal did to one target, or was refused to do."""

    action: str
    """The `ACTION` of the use case."""
    target: str
    """A kind and an id: `fee-schedule/neet-ug-2027`."""
    before: object = None
    """What the deed changed, as it was; encoded as JSON with sorted keys, without personal data."""
    after: object = None
    reason: str = ""
    outcome: str = DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """A deed as it is stored, once and for all."""

    id: UUID
    at: datetime
    actor: str
    """The subject of the principal."""
    account: UUID | None
    session: UUID | None
    address: str
    request_id: str
    action: str
    target: str
    before: str
    """JSON; empty: nothing."""
    after: str
    reason: str
    outcome: str

    @property
    def canonical_text(self) -> str:
        """Return what the chain of seals hashes: every field, in the order and the form that SQL gives them."""
        ids = [each.hex.upper() if each else "" for each in (self.id, self.account, self.session)]
        told = (self.actor, *ids[1:], self.address, self.request_id, self.action, self.target)
        return FIELD_SEPARATOR.join(
            [ids[0], canonical_moment(self.at), *told, self.before, self.after, self.reason, self.outcome]
        )


def is_older(canonical_text: str, at: datetime) -> bool:
    """Tell whether a record is of an earlier time, also if its text was damaged."""
    return canonical_text.split(FIELD_SEPARATOR, 2)[1] < canonical_moment(at)


def canonical_moment(at: datetime) -> str:
    """Return a time as texts of records have it; they sort as times do."""
    return at.replace(tzinfo=None).isoformat(" ", "microseconds")


def one_line(text: str, longest: int) -> str:
    """Return a text without control characters and surrogates, cut to a length."""
    cut = text[:longest]
    return cut if cut.isprintable() else "".join(each if each.isprintable() else " " for each in cut)
