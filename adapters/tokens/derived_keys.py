"""Keys derived from the secret of the installation, one for each purpose."""

import hmac
import os
from functools import cached_property

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.identity.signing_key import NoInstallationSecret

NONCE_BYTES = 12


def derive(secret: str, purpose: str) -> bytes:
    """Return 32 bytes for one purpose (RFC 5869), which reveal neither the secret nor the key of another purpose.

    Raises `NoInstallationSecret` for an empty secret.
    """
    if not secret:
        raise NoInstallationSecret("identity.secret is empty; set it to 32 or more random characters")
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret.encode())


class KeyedDigest:
    """Turns texts into 32 hexadecimal digits under one derived key."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._secret, self._purpose = secret, purpose

    @cached_property
    def _key(self) -> bytes:
        return derive(self._secret, self._purpose)

    def __call__(self, text: str) -> str:
        """Return the digest of a text."""
        return hmac.digest(self._key, text.encode(errors="replace"), "sha256").hex()[:32]


class Seal:
    """Encrypts with AES-256-GCM under one derived key; `context` must be the same for both directions."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._secret, self._purpose = secret, purpose

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(derive(self._secret, self._purpose))

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Return a random nonce and the ciphertext."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context)

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """Return the plain bytes; raise `InvalidTag` if anything differs."""
        return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
