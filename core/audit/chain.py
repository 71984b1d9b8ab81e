"""The chain of seals over audit records: each hash covers its record and the hash before it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID


class Seal(NamedTuple):
    """The place of one record in the chain."""

    sequence: int
    """From 1, without gaps."""
    record: UUID
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal: how many records are sealed, and the hash that depends on all of them."""

    count: int
    hash: bytes


EMPTY_CHAIN = Head(0, bytes(32))


def next_hash(before: bytes, sequence: int, text: str) -> bytes:
    """Return SHA-256 of the hash before, the sequence as eight bytes and the canonical text of the record."""
    return sha256(b"%b%b%b" % (before, sequence.to_bytes(8), text.encode())).digest()


def seal(head: Head, records: Iterable[tuple[UUID, str]]) -> Iterator[Seal]:
    """Yield the seals that continue a chain with records, each an id and a canonical text."""
    sequence, before = head.count, head.hash
    for record, text in records:
        sequence += 1
        before = next_hash(before, sequence, text)
        yield Seal(sequence, record, before)
