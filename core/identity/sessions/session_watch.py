"""What a process knows of ended sessions and signing keys; while tokens arrive, it reads again each half second."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.identity.errors import SessionEnded
from core.identity.session import EndedSession, SessionId
from core.identity.session_ports import AccessTokens, SessionViews
from core.identity.signing_key import VERIFIES_AFTER_SIGNING, SigningKey
from core.identity.tokens import AccessClaims
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable

FRESH, MAX_STALE = timedelta(seconds=0.5), timedelta(seconds=1)
"""What was read longer ago than the first is read again; a token waits for that when it is longer than the second.

Ages count from the beginning of a reading: what it takes itself is part of the second in which an end takes effect.
"""
KEYS_INTERVAL = timedelta(seconds=10)
"""Signing keys are announced a minute before they sign."""
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

    views: SessionViews
    access_tokens: AccessTokens
    clock: Clock
    max_ended: int = MAX_ENDED_SESSIONS
    signing_keys: Sequence[SigningKey] = ()
    _ended: dict[SessionId, datetime] = field(default_factory=dict)
    _read_at: datetime = NEVER
    _keys_read_at: datetime = NEVER
    _refused_before: datetime = NEVER
    _reading: asyncio.Task[Unavailable | None] | None = None

    async def check(self, claims: AccessClaims) -> None:
        """Raise `SessionEnded` for an ended session, `Unavailable` when that cannot be known."""
        await self.ensure_read()
        if claims.session in self._ended or claims.issued_at <= self._refused_before:
            raise SessionEnded("the session of this access token has ended; refresh it, or sign in")

    async def ensure_read(self) -> None:
        """Wait until what is known is as of a second before this call, or later; raise `Unavailable`.

        Concurrent callers share a reading.
        """
        began = self.clock.now()
        for _ in range(2):  # a reading under way may have begun too long ago
            if self._is_known_since(began - MAX_STALE):
                break
            if failure := await asyncio.shield(self._read_again()):
                raise Unavailable("whether sessions have ended is not known", retry_after=1) from failure
        if not self._is_known_since(began - FRESH):
            self._read_again()

    async def read(self) -> None:
        """Read the signing keys, and the sessions that ended since the last reading; raise `Unavailable`."""
        now = self.clock.now()
        oldest = now - VERIFIES_AFTER_SIGNING
        if not timedelta(0) <= now - self._keys_read_at < KEYS_INTERVAL:
            self.signing_keys = await self.views.signing_keys()
            self.access_tokens.use(self.signing_keys)
            self._keys_read_at = now if self.signing_keys else NEVER
        since = max(oldest, self._read_at - OVERLAP) if self._read_at > NEVER else oldest
        self._note(await self.views.ended_since(since), now)
        self._read_at = now

    def _read_again(self) -> "asyncio.Task[Unavailable | None]":
        """Begin to read, unless that is under way."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._try_to_read())
        return self._reading

    async def _try_to_read(self) -> Unavailable | None:
        try:
            await self.read()
        except Unavailable as failure:
            return failure
        return None

    def _is_known_since(self, at: datetime) -> bool:
        return at <= self._read_at <= self.clock.now()

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
