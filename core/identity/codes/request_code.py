"""Request a one-time code."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from core.identity.one_time_secret import CODE_LIFETIME, CodeRequested, OneTimeSecret, Purpose, SecretId
from core.identity.one_time_secret_ports import SecretBox
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.ids import Ids
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter
from core.kernel.registration import fold, read_registration

WINDOW_SECONDS = 900


@dataclass(frozen=True, slots=True)
class CodeRequest:
    """What a client keeps until the candidate has read the code."""

    request: SecretId
    """Only who has it can try a code."""
    expires_in: int
    """Seconds."""


@open_to_all
@dataclass(frozen=True, slots=True)
class RequestCode:
    """Send a code to the addresses that the roster has of a student.

    For an unknown registration it does the same work and gives the same answer; then no message follows.
    """

    new_work: NewIdentityUnitOfWork
    secret_box: SecretBox
    rate_limiter: RateLimiter
    codes_per_registration: int
    clock: Clock
    ids: Ids

    async def __call__(self, registration: str, address: str = "") -> CodeRequest:
        """Return the request; raise `Invalid` for what no registration can be, and `RateLimited`.

        `address` is where the client is.
        """
        key = fold(read_registration(registration))
        counted = self._limits(key, address)
        verdict = await self.rate_limiter.acquire(counted)
        if not verdict.allowed:
            raise RateLimited.by(verdict)
        try:
            return await self._send(key)
        except Unavailable:  # nothing was sent
            await self.rate_limiter.release(counted)
            raise

    async def _send(self, key: str) -> CodeRequest:
        code_id, now, code = SecretId(self.ids.new()), self.clock.now(), self.secret_box.create_code()
        async with self.new_work() as work:
            secret = OneTimeSecret(
                id=code_id,
                purpose=Purpose.SIGN_IN,
                holder=await work.enrolled_students.find(key),
                digest=self.secret_box.digest(code_id, code),
                sealed=self.secret_box.seal(code_id, {"code": code}),
                expires_at=now + CODE_LIFETIME,
            )
            work.one_time_secrets.add(secret)
            work.record(
                CodeRequested(at=now, subject=code_id, version=1, student=secret.holder, expires_at=secret.expires_at)
            )
            await work.commit()
        return CodeRequest(code_id, int(CODE_LIFETIME.total_seconds()))

    def _limits(self, key: str, address: str) -> Mapping[str, Limit]:
        """Return what counts a request, whether or not the registration exists.

        One source leaves half of the requests to the candidate.
        """
        name, most = sha256(key.encode()).hexdigest()[:32], self.codes_per_registration
        of_source = Limit("codes-per-registration-and-address", (most + 1) // 2, WINDOW_SECONDS)
        return {
            f"codes:registration:{name}": Limit("codes-per-registration", most, WINDOW_SECONDS),
            f"codes:registration:{name}:{source_of(address)}": of_source,
        }
