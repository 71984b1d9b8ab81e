"""One-time codes, and the keys under which they and one-time links wait for their messages."""

import hmac
import secrets
from collections.abc import Mapping
from functools import cached_property

import msgspec
from cryptography.exceptions import InvalidTag

from adapters.tokens.derived_keys import Seal, derive
from core.identity.one_time_secret import CODE_DIGITS, SecretId
from core.identity.one_time_secret_ports import SecretBox
from core.kernel.encryption import Undecipherable


class DerivedSecretBox(SecretBox):
    """HMAC-SHA-256 and AES-256-GCM under keys of the installation; both are bound to the id of the secret."""

    def __init__(self, secret: str) -> None:
        self._secret, self._seal = secret, Seal(secret, "one-time secrets")

    @cached_property
    def _key(self) -> bytes:
        return derive(self._secret, "digests of one-time secrets")

    def create_code(self) -> str:
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"

    def digest(self, secret: SecretId, text: str) -> bytes:
        return hmac.digest(self._key, secret.bytes + text.encode(), "sha256")

    def seal(self, secret: SecretId, facts: Mapping[str, str]) -> bytes:
        return self._seal.encrypt(msgspec.json.encode(facts), secret.bytes)

    def unseal(self, secret: SecretId, sealed: bytes) -> Mapping[str, str]:
        try:
            return msgspec.json.decode(self._seal.decrypt(sealed, secret.bytes), type=dict[str, str])
        except InvalidTag:
            raise Undecipherable(f"the one-time secret {secret} was sealed with another identity.secret") from None
