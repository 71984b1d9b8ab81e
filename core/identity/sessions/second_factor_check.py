"""Checks and uses up codes of second factors."""

from dataclasses import dataclass
from uuid import UUID

from core.identity.errors import SecondFactorNeeded, WrongCredentials
from core.identity.ports import IdentityUnitOfWork
from core.identity.second_factor import METHODS, SecondFactor, normal_code
from core.identity.second_factor_ports import TimeCodes
from core.kernel.clock import Clock

DIGITS = 6


@dataclass(frozen=True, slots=True)
class SecondFactorCheck:
    """Accepts each code once: the row of the second factor is locked from the check to the commit."""

    time_codes: TimeCodes
    clock: Clock

    async def use_up(self, work: IdentityUnitOfWork, account: UUID, code: str) -> tuple[str, ...]:
        """Return the methods that a code proves, none for an account without a second factor.

        Raises `SecondFactorNeeded` without a code, and `WrongCredentials` for a wrong or used one.
        """
        factor = await work.second_factors.lock(account)
        if factor is None or factor.confirmed_at is None:
            return ()
        if not code:
            raise SecondFactorNeeded("this account has a second factor: sign in with a code of it, too")
        work.second_factors.replace(self._used(factor, normal_code(code)))
        return METHODS

    def _used(self, factor: SecondFactor, code: str) -> SecondFactor:
        if (step := self.step(factor, code)) is not None:
            return factor.after_step(step)
        if (used := factor.after_recovery(code)) is not None:
            return used
        raise WrongCredentials("the code is wrong, or was used before")

    def step(self, factor: SecondFactor, code: str) -> int | None:
        """Return the time step of an unused code in its normal form; None for any other text."""
        if len(code) != DIGITS or not code.isdecimal():
            return None
        return self.time_codes.step(factor.secret, code, self.clock.now(), factor.last_step)
