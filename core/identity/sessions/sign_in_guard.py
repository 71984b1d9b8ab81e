"""Stops the source of wrong passwords, and not the person whose account it tries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

from core.kernel.errors import Unavailable
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter

WINDOW_SECONDS = 900
KEY_HEX_DIGITS = 32


@dataclass(frozen=True, slots=True)
class SignInGuard:
    """Counts attempts to prove an identity by a guessable secret: a password, a one-time code, a TOTP code."""

    rate_limiter: RateLimiter
    wrong_passwords: int
    """For one account from one address in 15 minutes."""
    wrong_passwords_per_address: int
    """From one address in 15 minutes, for whatever accounts."""

    @asynccontextmanager
    async def attempt(self, account: str, address: str) -> AsyncIterator[None]:
        """Count an attempt before its secret is checked, so that parallel guesses are counted, too.

        An attempt no longer counts when the block ends without an error, or with `Unavailable`: no secret was wrong.
        Raises `RateLimited`.  `account` is what the client names, whether or not it exists, in one spelling.
        """
        source = source_of(address)
        wanted = {
            f"sign-in:{digest(account)}:{source}": Limit("wrong-passwords", self.wrong_passwords, WINDOW_SECONDS),
            f"sign-in:{source}": Limit("wrong-passwords-per-address", self.wrong_passwords_per_address, WINDOW_SECONDS),
        }
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
