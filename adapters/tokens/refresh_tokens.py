"""Refresh tokens: a session, a number and 256 random bits, under a mark of the installation."""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from functools import cached_property
from hashlib import sha256
from struct import Struct
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.tokens.derived_keys import NONCE_BYTES, derive
from core.identity.session import SessionId
from core.identity.session_ports import RefreshTokens
from core.identity.tokens import RefreshToken
from core.kernel.authorization import NotAuthenticated

PREFIX = "bursar_rt_"
"""Scanners for leaked secrets find it, and it cannot be taken for an access token."""
CONTENT, MARK_BYTES = Struct(">16sI32s"), 16
TOKEN_LENGTH = len(PREFIX) + (CONTENT.size + MARK_BYTES) * 4 // 3 + 1


class MarkedRefreshTokens(RefreshTokens):
    """Marks tokens with an HMAC: a used token of any age is told from an invented one without being stored."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    @cached_property
    def _key(self) -> bytes:
        return derive(self._secret, "refresh tokens")

    def create(self, session: SessionId, generation: int) -> RefreshToken:
        content = CONTENT.pack(session.bytes, generation, os.urandom(32))
        return as_token(written(content + self._mark(content)), content)

    def read(self, text: str) -> RefreshToken:
        if len(text) != TOKEN_LENGTH or not text.isascii() or not text.startswith(PREFIX):
            raise refusal()
        encoded = text[len(PREFIX) :]
        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except Error as error:
            raise refusal() from error
        content, mark = raw[: CONTENT.size], raw[CONTENT.size :]
        # Base64 can write the same bytes in several ways; one is valid, so that a text names one key.
        if text != written(raw) or not hmac.compare_digest(mark, self._mark(content)):
            raise refusal()
        return as_token(text, content)

    def seal(self, successor: RefreshToken, predecessor: RefreshToken) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + cipher(predecessor).encrypt(nonce, successor.text.encode(), predecessor.session.bytes)

    def unseal(self, sealed: bytes, predecessor: RefreshToken) -> RefreshToken:
        plain = cipher(predecessor).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], predecessor.session.bytes)
        return self.read(plain.decode())

    def _mark(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:MARK_BYTES]


def written(raw: bytes) -> str:
    """Return the text of content and mark."""
    return PREFIX + urlsafe_b64encode(raw).decode().rstrip("=")


def as_token(text: str, content: bytes) -> RefreshToken:
    """Return the token of a text."""
    session, generation, _ = CONTENT.unpack(content)
    return RefreshToken(
        session=SessionId(UUID(bytes=session)), generation=generation, text=text, digest=sha256(text.encode()).digest()
    )


def cipher(predecessor: RefreshToken) -> AESGCM:
    """Return the cipher whose key the text of a used token yields."""
    return AESGCM(derive(predecessor.text, "successor of a refresh token"))


def refusal() -> NotAuthenticated:
    """Return one error for all faults."""
    return NotAuthenticated("the refresh token is not valid; sign in again")
