"""Batches concurrent refreshes: those that arrive at the same moment share one read, one write and one commit.

A session that another transaction keeps locked is waited for alone, so that the refreshes of others do not wait for it.
"""

import asyncio
from collections.abc import Sequence

from core.identity.errors import RefreshTokenReused, SessionEnded
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.session import SessionId
from core.identity.session_ports import OwnedSession, RefreshTokens
from core.identity.sessions.session_issuer import SessionIssuer
from core.identity.tokens import RefreshToken, SessionTokens
from core.kernel.batching import Batcher, PendingItem, isolate_failures
from core.kernel.clock import Clock
from core.kernel.errors import CoreError, GaveWay

Outcome = SessionTokens | CoreError | None
"""The tokens or their refusal; None for a session that another transaction holds, or that does not exist."""
PendingRefresh = PendingItem[RefreshToken, SessionTokens | None]
MAX_CONTENDED_SESSIONS = 4
"""Locked sessions that are waited for at a time; the remaining connections serve other requests."""


class RefreshBatcher:
    """Replaces refresh tokens by their successors in batches."""

    def __init__(
        self,
        new_work: NewIdentityUnitOfWork,
        refresh_tokens: RefreshTokens,
        session_issuer: SessionIssuer,
        clock: Clock,
    ) -> None:
        self._new_work, self._refresh_tokens = new_work, refresh_tokens
        self._session_issuer, self._clock = session_issuer, clock
        self._batcher = Batcher[RefreshToken, SessionTokens | None](self._refresh_batch)
        self._contention_slots = asyncio.Semaphore(MAX_CONTENDED_SESSIONS)

    async def refresh(self, token: RefreshToken) -> SessionTokens:
        """Return the tokens; raise `SessionEnded`, or `RefreshTokenReused` for a session that is to be ended."""
        if tokens := await self._batcher(token):
            return tokens
        async with self._contention_slots:
            outcome = (await self._refresh([token], wait=True))[0]
        if isinstance(outcome, CoreError):
            raise outcome
        if outcome is None:
            raise session_ended()
        return outcome

    async def _refresh_batch(self, batch: Sequence[PendingRefresh]) -> None:
        await isolate_failures(batch, self._refresh_together, fail, isolated=(GaveWay,))

    async def _refresh_together(self, batch: Sequence[PendingRefresh]) -> None:
        outcomes = await self._refresh([each.item for each in batch], wait=False)
        for each, outcome in zip(batch, outcomes, strict=True):
            each.fail(outcome) if isinstance(outcome, CoreError) else each.resolve(outcome)

    async def _refresh(self, tokens: Sequence[RefreshToken], *, wait: bool) -> Sequence[Outcome]:
        """Refresh in one transaction, in the order of the tokens; a refusal changes nothing for the other tokens."""
        async with self._new_work() as work:
            locked = await work.refreshable_sessions.lock({each.session for each in tokens}, wait=wait)
            current = {**locked}
            outcomes = [self._outcome(current, each) for each in tokens]
            for name, owned in current.items():
                if owned is not locked[name]:
                    work.sessions.replace(owned.session)
            await work.commit()
        return outcomes

    def _outcome(self, current: dict[SessionId, OwnedSession], token: RefreshToken) -> Outcome:
        """Return what one token yields, and put its session as it is then into `current`."""
        if token.session not in current:
            return None
        (session, account), now = current[token.session], self._clock.now()
        if not session.is_open(now) or not account.active:
            return session_ended()
        if session.repeats(token.generation, token.digest, now):
            successor = self._refresh_tokens.unseal(session.sealed, token)
        elif session.accepts(token.generation, token.digest):
            successor = self._refresh_tokens.create(session.id, token.generation + 1)
            sealed = self._refresh_tokens.seal(successor, token)
            session = session.rotated(successor.digest, sealed, now, self._session_issuer.refresh_lifetime)
            current[token.session] = OwnedSession(session, account)
        else:
            return RefreshTokenReused("this refresh token was used before, so its session has ended; sign in again")
        return self._session_issuer.tokens(session, account, successor)


def session_ended() -> SessionEnded:
    """Return the refusal of a session that is not open."""
    return SessionEnded("the session has ended; sign in again")


async def fail(pending: PendingRefresh, failure: Exception) -> None:
    """Raise the failure to the caller that awaits the tokens."""
    pending.fail(failure)
