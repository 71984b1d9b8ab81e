"""Cookies that belong to this host alone, and the guard of requests that a cookie authenticates.

A browser sends cookies with what pages of other sites ask of it; a request with `Authorization` needs no guard.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from core.kernel.errors import Forbidden

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
CSRF_HEADER = b"x-csrf-token"


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A cookie that no other host sets, no script reads and only https carries (RFC 6265bis, 4.1.3.2)."""

    name: str
    max_age_seconds: int
    same_site: Literal["Lax", "Strict"] = "Strict"
    """`Lax` is sent when another site leads here, as an identity provider does."""

    @property
    def wire_name(self) -> str:
        """Return the name with the prefix that makes browsers insist on the attributes."""
        return f"__Host-{self.name}"

    def set(self, value: str) -> str:
        """Return the `Set-Cookie` that stores a value of visible ASCII characters."""
        return self._header(value, self.max_age_seconds)

    def clear(self) -> str:
        """Return the `Set-Cookie` that removes the value."""
        return self._header("", 0)

    def _header(self, value: str, max_age_seconds: int) -> str:
        attributes = f"Path=/; Max-Age={max_age_seconds}; Secure; HttpOnly; SameSite={self.same_site}"
        return f"{self.wire_name}={value}; {attributes}"

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the value in a request; None if there is none, or more than one."""
        lines = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        pairs = [pair.strip().partition("=") for line in lines for pair in line.split(";")]
        found = [value for name, _, value in pairs if name == self.wire_name]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class CsrfGuard:
    """Refuses requests with a cookie that a page of another site has caused."""

    secret: bytes
    public_url: str

    def token(self, session: str) -> str:
        """Return what pages send as `X-CSRF-Token`; `session` is the value of the cookie."""
        return hmac.digest(self.secret, b"csrf " + session.encode(), "sha256").hex()

    def check(self, method: str, headers: Mapping[bytes, bytes], session: str) -> None:
        """Raise `Forbidden` for a request that changes something and is not proved to be of a page of this host."""
        if method in SAFE_METHODS:
            return
        if headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
            raise Forbidden("a page of another site has caused this request")
        if headers.get(b"origin", b"").decode("latin-1") != origin_of(self.public_url):
            raise Forbidden("the request names another origin than http.public_url, or none")
        if not hmac.compare_digest(headers.get(CSRF_HEADER, b""), self.token(session).encode()):
            raise Forbidden("a request with a cookie needs the X-CSRF-Token of its session")


def origin_of(url: str) -> str:
    """Return the origin of an address as browsers send it: in lower case, without the port of its scheme."""
    parts = urlsplit(url)
    port = "" if parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"
