"""Confirm a second factor."""

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID

from core.identity.errors import NoSecondFactor, WrongCredentials
from core.identity.ports import NewIdentityUnitOfWork
from core.identity.second_factor import METHODS, RECOVERY_CODES, SecondFactor, normal_code, recovery_digest
from core.identity.second_factors.own_session import caller_with_session, locked_session
from core.identity.session import EndedSession
from core.identity.sessions.end_sessions import end_all
from core.identity.sessions.second_factor_check import SecondFactorCheck
from core.identity.sessions.session_watch import SessionWatch
from core.identity.sessions.sign_in_guard import SignInGuard
from core.kernel.audit import Deed
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock

RECOVERY_CODE_BYTES = 15
"""120 bits: OWASP ASVS 5, 6.5.2 lets codes of 112 bits be stored by a fast hash. Without padding in base 32."""
GROUP_LENGTH = 4


@dataclass(frozen=True, slots=True)
class RecoveryCodes:
    """Codes that replace the authenticator app, each once; they are shown this once."""

    recovery_codes: Sequence[str] = field(repr=False)


@open_to_all
@dataclass(frozen=True, slots=True)
class ConfirmSecondFactor:
    """Show that the second factor works: from now on the account signs in with codes; its other sessions end."""

    ACTION: ClassVar = "confirm-second-factor"

    new_work: NewIdentityUnitOfWork
    second_factor_check: SecondFactorCheck
    sign_in_guard: SignInGuard
    session_watch: SessionWatch
    clock: Clock

    async def __call__(self, *, code: str) -> RecoveryCodes:
        """Return the recovery codes; raise `NoSecondFactor` without an enrolment, `WrongCredentials` for a code."""
        caller, text = caller_with_session(), normal_code(code)
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        async with self.sign_in_guard.code_attempt(caller.account or UUID(int=0), caller.address):
            ended = await self._confirm(text, tuple(recovery_digest(normal_code(each)) for each in codes))
        self.session_watch.end(*ended)
        return RecoveryCodes(codes)

    async def _confirm(self, code: str, digests: tuple[bytes, ...]) -> Sequence[EndedSession]:
        now = self.clock.now()
        async with self.new_work() as work:
            session, factor = await locked_session(work, now)
            if factor is None or not factor.can_be_confirmed(now):
                raise NoSecondFactor("no enrolment waits for a code: start with `POST /v1/second-factor`")
            work.second_factors.replace(factor.confirmed(self._step(factor, code), digests, now))
            ended = await end_all(work, session.account, now, but=session.id)
            work.sessions.replace(session.proved(METHODS, now))
            work.audit(Deed(action=self.ACTION, target=f"account/{session.account}"))
            await work.commit()
        return ended

    def _step(self, factor: SecondFactor, code: str) -> int:
        if (step := self.second_factor_check.step(factor, code)) is None:
            raise WrongCredentials("the code is wrong: is the clock of the device right?")
        return step


def new_recovery_code() -> str:
    """Return a new code in groups that people can read."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_CODE_BYTES)).decode()
    return "-".join(text[start : start + GROUP_LENGTH] for start in range(0, len(text), GROUP_LENGTH))
