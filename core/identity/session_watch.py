"""What a process knows of ended sessions and signing keys, read again each half second."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session import EndedSession, SessionId
from core.identity.session_errors import SessionEnded
from core.identity.session_ports import AccessTokens, SessionViews
from core.identity.signing_key import VERIFIES_AFTER_SIGNING
from core.identity.tokens import AccessClaims
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable

POLL_INTERVAL_SECONDS = 0.5
"""Ending a session takes effect in every process within a second."""
MAX_STALE = timedelta(seconds=5)
"""If reading fails for longer, no access token is accepted: `Unavailable`."""
OVERLAP = timedelta(seconds=60)
"""Read again each time: transactions that commit late, and clocks of other machines that are behind."""
MAX_ENDED_SESSIONS = 100_000
"""About 20 MB. Beyond it the tokens from before the oldest end are refused: their clients refresh."""
SETTLING = timedelta(seconds=5)
"""A refresh that waits for the lock of its session may issue a token a moment after the end was decided."""
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class SessionWatch:
    """Refuses access tokens of sessions that ended before their tokens expire, without a query."""

    new_work: NewIdentityUnitOfWork
    views: SessionViews
    access_tokens: AccessTokens
    clock: Clock
    max_ended: int = MAX_ENDED_SESSIONS
    _ended: dict[SessionId, datetime] = field(default_factory=dict)
    _read_at: datetime = NEVER
    _refused_before: datetime = NEVER
    _reading: asyncio.Task[None] | None = None

    async def check(self, claims: AccessClaims) -> None:
        """Raise `SessionEnded` for an ended session, `Unavailable` when that cannot be known."""
        await self.ensure_read()
        if claims.session in self._ended or claims.issued_at <= self._refused_before:
            raise SessionEnded("the session of this access token has ended; refresh it, or sign in")

    async def ensure_read(self) -> None:
        """Read what is older than `MAX_STALE`; concurrent callers share the reading."""
        if timedelta(0) <= self.clock.now() - self._read_at <= MAX_STALE:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self.read())
        await asyncio.shield(self._reading)

    async def read(self) -> None:
        """Read the signing keys, and the sessions that ended since the last reading."""
        now = self.clock.now()
        since = max(self._read_at - OVERLAP, now - VERIFIES_AFTER_SIGNING) if self._read_at > NEVER else None
        try:
            async with self.new_work() as work:
                self.access_tokens.use(await work.signing_keys.all())
            self._note(await self.views.ended_since(since or now - VERIFIES_AFTER_SIGNING), now)
        except Unavailable as error:
            raise Unavailable("whether sessions have ended is not known") from error
        self._read_at = now

    def end(self, *ended: EndedSession) -> None:
        """Note sessions that this process ended, before the next reading."""
        self._note(ended, self.clock.now())

    def _note(self, ended: Collection[EndedSession], now: datetime) -> None:
        self._ended.update(ended)
        oldest = now - VERIFIES_AFTER_SIGNING
        if len(self._ended) > self.max_ended or (self._ended and next(iter(self._ended.values())) < oldest):
            self._forget(oldest)

    def _forget(self, oldest: datetime) -> None:
        kept = sorted((each for each in self._ended.items() if each[1] >= oldest), key=lambda each: each[1])
        if len(kept) > self.max_ended:
            self._refused_before = max(self._refused_before, kept[-self.max_ended - 1][1] + SETTLING)
        self._ended = dict(kept[-self.max_ended :])
