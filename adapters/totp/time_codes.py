"""Time-based one-time passwords by pyotp, which has no memory of used codes."""

from datetime import datetime
from hmac import compare_digest

import pyotp

from core.identity.second_factor_ports import TimeCodes

STEP_SECONDS = 30


class PyotpTimeCodes(TimeCodes):
    """The parameters are those that all authenticator apps know: six digits, SHA-1, 30 seconds."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer

    def new_secret(self) -> str:
        return pyotp.random_base32()

    def uri(self, secret: str, name: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=self._issuer)

    def step(self, secret: str, code: str, at: datetime, after: int) -> int | None:
        present, codes = int(at.timestamp()) // STEP_SECONDS, pyotp.HOTP(secret)
        # Each is compared, so that the time tells nothing.
        found = [step for step in (present - 1, present, present + 1) if compare_digest(codes.at(step), code)]
        return min((step for step in found if step > after), default=None)
