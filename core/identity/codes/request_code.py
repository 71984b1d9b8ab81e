"""Request a one-time code."""

from dataclasses import dataclass

from core.identity.code_limits import CodeLimits
from core.identity.one_time_secret import CODE_LIFETIME, CodeRequested, OneTimeSecret, Purpose, SecretId
from core.identity.one_time_secret_ports import SecretBox
from core.identity.ports import NewIdentityUnitOfWork
from core.kernel.authorization import open_to_all
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.registration import fold, read_registration


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
    code_limits: CodeLimits
    clock: Clock
    ids: Ids

    async def __call__(self, registration: str, address: str = "") -> CodeRequest:
        """Return the request; raise `Invalid` for what no registration can be, and `RateLimited`.

        `address` is where the client is.
        """
        key = fold(read_registration(registration))
        async with self.code_limits.request(key, address):
            return await self._send(key)

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
