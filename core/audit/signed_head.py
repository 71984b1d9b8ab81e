"""Heads of the chain, signed by HMAC with a secret that the database does not know."""

import hmac
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from core.audit.chain import EMPTY_CHAIN, Head


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """A head of the chain, when it was read, and the signature of both."""

    count: int
    hash: str
    """Hexadecimal, as is the signature."""
    at: datetime
    signature: str


class HeadSigner:
    """Signs heads and checks signatures: HMAC-SHA-256 over count, hash and time, one a line."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.published = EMPTY_CHAIN
        """The last head that this process published."""

    def sign(self, head: Head, at: datetime) -> SignedHead:
        """Return a signed head."""
        signature = self._signature(head.count, head.hash.hex(), at)
        return SignedHead(count=head.count, hash=head.hash.hex(), at=at, signature=signature)

    def is_genuine(self, head: SignedHead) -> bool:
        """Tell whether a head was signed with this secret."""
        return hmac.compare_digest(head.signature.encode(), self._signature(head.count, head.hash, head.at).encode())

    def _signature(self, count: int, chain_hash: str, at: datetime) -> str:
        text = f"{count}\n{chain_hash}\n{at.isoformat(timespec='microseconds')}"
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()
