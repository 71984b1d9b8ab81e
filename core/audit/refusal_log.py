"""Records of refused deeds, limited so that no caller fills the table."""

import hmac
from collections import Counter
from enum import StrEnum
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID

from core.kernel.audit import Deed
from core.kernel.authorization import ANONYMOUS, current_principal
from core.kernel.clock import Clock
from core.kernel.period import MIN_MOMENT
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork

MAX_PER_ACTOR_AND_MINUTE, MAX_PER_MINUTE = 20, 600
"""Stored refusals of one process; further ones are only counted."""

DIGEST_BYTES = 16


class Fate(StrEnum):
    """What becomes of the record of a refusal."""

    STORED = "stored"
    ANONYMOUS = "anonymous"
    """Not stored: the caller is unknown, and there is no limit to unknown callers."""
    OVER_LIMIT = "over-limit"
    FAILED = "failed"
    """Not stored: the database was away."""


class RefusalLog:
    """Stores refusals, each in a transaction of its own."""

    def __init__(self, new_work: NewUnitOfWork[UnitOfWork], clock: Clock, secret: str) -> None:
        self._new_work, self._clock = new_work, clock
        self._secret = secret.encode() or token_bytes(DIGEST_BYTES)
        self._minute, self._stored = MIN_MOMENT, Counter[str]()

    async def record(self, action: str, target: str, problem: str) -> Fate:
        """Store that the current principal was refused a deed, unless there are too many; raise `Unavailable`.

        A target that is no UUID is stored as a digest: it can be a registration, and a record cannot be erased.
        """
        actor = current_principal.get()
        if actor is ANONYMOUS:
            return Fate.ANONYMOUS
        if not self._admit(actor.subject):
            return Fate.OVER_LIMIT
        async with self._new_work() as work:
            work.audit(Deed(action=action, target=self._told(target), outcome=problem))
            await work.commit()
        return Fate.STORED

    def _told(self, target: str) -> str:
        if not target or is_uuid(target):
            return target.lower()
        digest = hmac.new(self._secret, target.encode(errors="surrogatepass"), sha256).digest()[:DIGEST_BYTES]
        return f"hmac-sha256/{digest.hex()}"

    def _admit(self, actor: str) -> bool:
        minute = self._clock.now().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._stored.clear()
        if self._stored[actor] >= MAX_PER_ACTOR_AND_MINUTE or self._stored.total() >= MAX_PER_MINUTE:
            return False
        self._stored[actor] += 1
        return True


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID in its usual form, which is too long for a registration."""
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
