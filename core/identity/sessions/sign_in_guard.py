"""Stops the source of wrong passwords, and not the person whose account it tries."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from core.kernel.errors import Unavailable
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter

WINDOW_SECONDS = 900
WRONG_CODES_A_DAY = 100
"""For one account from all addresses (NIST SP 800-63B, 5.2.2): only who knows its password gets this far."""
SECONDS_A_DAY = 86_400
KEY_HEX_DIGITS = 32


@dataclass(frozen=True, slots=True)
class SignInGuard:
    """Counts attempts to prove an identity by a guessable secret: a password, a one-time code, a TOTP code."""

    rate_limiter: RateLimiter
    wrong_passwords: int
    """For one account from one address in 15 minutes."""
    wrong_passwords_per_address: int
    """From one address in 15 minutes, for whatever accounts."""

    def attempt(self, account: str, address: str) -> AbstractAsyncContextManager[None]:
        """Count an attempt before its secret is checked, so that parallel guesses are counted, too.

        An attempt no longer counts when the block ends without an error, or with `Unavailable`: no secret was wrong.
        Raises `RateLimited`.  `account` is what the client names, whether or not it exists, in one spelling.
        """
        return self._counted(self._by_source(account, address))

    def code_attempt(self, account: UUID, address: str) -> AbstractAsyncContextManager[None]:
        """Count an attempt to use a code of a second factor, by its source and by the account."""
        wanted = self._by_source(f"code:{account}", address)
        of_account = Limit("wrong-codes", WRONG_CODES_A_DAY, SECONDS_A_DAY)
        return self._counted({**wanted, f"codes:{digest(str(account))}": of_account})

    def _by_source(self, account: str, address: str) -> Mapping[str, Limit]:
        source = source_of(address)
        return {
            f"sign-in:{digest(account)}:{source}": Limit("wrong-passwords", self.wrong_passwords, WINDOW_SECONDS),
            f"sign-in:{source}": Limit("wrong-passwords-per-address", self.wrong_passwords_per_address, WINDOW_SECONDS),
        }

    @asynccontextmanager
    async def _counted(self, wanted: Mapping[str, Limit]) -> AsyncIterator[None]:
        verdict = await self.rate_limiter.acquire(wanted)
        if not verdict.allowed:
            raise RateLimited.by(verdict)
        try:
            yield
        except Unavailable:
            await self.rate_limiter.release(wanted)
            raise
        await self.rate_limiter.release(wanted)


def digest(account: str) -> str:
    """Return a name of bounded length, since the counters are stored outside of the database."""
    return sha256(account.encode(errors="surrogatepass")).hexdigest()[:KEY_HEX_DIGITS]
