"""Records of refused deeds, limited so that no caller fills the table."""

from collections import Counter
from enum import StrEnum

from core.kernel.audit import Deed
from core.kernel.authorization import ANONYMOUS, current_principal
from core.kernel.clock import Clock
from core.kernel.period import MIN_MOMENT
from core.kernel.unit_of_work import NewUnitOfWork, UnitOfWork

MAX_PER_ACTOR_AND_MINUTE, MAX_PER_MINUTE = 20, 600
"""Stored refusals of one process; further ones are only counted."""


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

    def __init__(self, new_work: NewUnitOfWork[UnitOfWork], clock: Clock) -> None:
        self._new_work, self._clock = new_work, clock
        self._minute, self._stored = MIN_MOMENT, Counter[str]()

    async def record(self, action: str, target: str, problem: str) -> Fate:
        """Store that the current principal was refused a deed, unless there are too many; raise `Unavailable`."""
        actor = current_principal.get()
        if actor is ANONYMOUS:
            return Fate.ANONYMOUS
        if not self._admit(actor.subject):
            return Fate.OVER_LIMIT
        async with self._new_work() as work:
            work.audit(Deed(action=action, target=target, outcome=problem))
            await work.commit()
        return Fate.STORED

    def _admit(self, actor: str) -> bool:
        minute = self._clock.now().replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute = minute
            self._stored.clear()
        if self._stored[actor] >= MAX_PER_ACTOR_AND_MINUTE or self._stored.total() >= MAX_PER_MINUTE:
            return False
        self._stored[actor] += 1
        return True
