"""Limits the requests of one-time codes, each of which costs rows and messages."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

from core.kernel.errors import Unavailable
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter

WINDOW_SECONDS = 900


@dataclass(frozen=True, slots=True)
class CodeLimits:
    """Counts requests by registration, whether or not it exists, and by source until their codes are used."""

    rate_limiter: RateLimiter
    codes_per_registration: int
    """In 15 minutes; one source has half of them, and leaves the others to the candidate."""
    unused_codes_per_address: int
    """In 15 minutes."""

    @asynccontextmanager
    async def request(self, registration_key: str, address: str) -> AsyncIterator[None]:
        """Count a request, unless it ends with `Unavailable`: then nothing is sent; raise `RateLimited`."""
        counted = {**self._of_registration(registration_key, source_of(address)), **self._unused(address)}
        verdict = await self.rate_limiter.acquire(counted)
        if not verdict.allowed:
            raise RateLimited.by(verdict)
        try:
            yield
        except Unavailable:
            await self.rate_limiter.release(counted)
            raise

    async def note_use(self, address: str) -> None:
        """Note that a client used a code: a room of candidates behind one address is no attack."""
        await self.rate_limiter.release(self._unused(address))

    def _of_registration(self, key: str, source: str) -> Mapping[str, Limit]:
        name, most = sha256(key.encode()).hexdigest()[:32], self.codes_per_registration
        of_source = Limit("codes-per-registration-and-address", (most + 1) // 2, WINDOW_SECONDS)
        return {
            f"codes:registration:{name}": Limit("codes-per-registration", most, WINDOW_SECONDS),
            f"codes:registration:{name}:{source}": of_source,
        }

    def _unused(self, address: str) -> Mapping[str, Limit]:
        limit = Limit("unused-codes-per-address", self.unused_codes_per_address, WINDOW_SECONDS)
        return {f"codes:unused:{source_of(address)}": limit}
