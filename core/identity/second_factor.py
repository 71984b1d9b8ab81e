"""The second factor of an account: a secret that makes time-based codes (RFC 6238), and recovery codes."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Self, TypeAlias
from uuid import UUID

from core.kernel.authorization import MAX_PROOF_AGE
from core.kernel.constraints import Text

METHODS = ("otp", "mfa")
"""What a code proves, in the words of RFC 8176; that of recovery codes is `otp`, too."""
RECOVERY_CODES = 10
MAX_CODE_LENGTH = 40
CODE = Text("six digits, or a recovery code", r"[0-9A-Za-z -]{6,40}", MAX_CODE_LENGTH)
Code: TypeAlias = Annotated[str, CODE]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """What an authenticator app and a sheet of paper prove."""

    account: UUID
    secret: str = field(repr=False)
    """In base 32."""
    enrolled_at: datetime
    confirmed_at: datetime | None = None
    """When the account sent its first code; before, no code is asked for."""
    last_step: int = 0
    """The time step of the last code that was used: neither it nor an earlier one is used again."""
    recovery_digests: tuple[bytes, ...] = field(default=(), repr=False)
    """SHA-256 of the recovery codes that are left: of 120 random bits a slow hash would protect nothing more."""

    def can_be_confirmed(self, at: datetime) -> bool:
        """Tell whether the enrolment waits for its first code."""
        return self.confirmed_at is None and at - self.enrolled_at <= MAX_PROOF_AGE

    def confirmed(self, step: int, recovery_digests: tuple[bytes, ...], at: datetime) -> Self:
        """Return the factor after its first code."""
        return replace(self, last_step=step, recovery_digests=recovery_digests, confirmed_at=at)

    def after_step(self, step: int) -> Self:
        """Return the factor after the code of a time step was used."""
        return replace(self, last_step=step)

    def after_recovery(self, code: str) -> Self | None:
        """Return the factor without a recovery code; None if it has no such code."""
        digest = recovery_digest(code)
        left = tuple(each for each in self.recovery_digests if each != digest)
        return None if left == self.recovery_digests else replace(self, recovery_digests=left)


def normal_code(code: str) -> str:
    """Return a code without the spaces and hyphens that people read; raise `Invalid` for what no code can be."""
    CODE.check("code", code)
    return code.replace(" ", "").replace("-", "").upper()


def recovery_digest(code: str) -> bytes:
    """Return what is stored of a recovery code in its normal form."""
    return sha256(code.encode()).digest()
