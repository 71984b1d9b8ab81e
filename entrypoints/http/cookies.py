"""Cookies that belong to this host alone, and the guard of requests that a cookie authenticates.

A browser sends cookies with what pages of other sites ask of it; a request with `Authorization` needs no guard.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from litestar.datastructures import Cookie

from core.kernel.errors import Forbidden

CSRF_HEADER = "X-CSRF-Token"


@dataclass(frozen=True, slots=True)
class HostCookie:
    """A cookie that no other host sets, no script reads and only https carries (RFC 6265bis, 4.1.3.2)."""

    name: str
    max_age_seconds: int
    same_site: Literal["lax", "strict"] = "strict"
    """`lax` is sent when another site leads here, as an identity provider does."""

    @property
    def wire_name(self) -> str:
        """Return the name with the prefix that makes browsers insist on the attributes."""
        return f"__Host-{self.name}"

    def set(self, value: str) -> Cookie:
        """Return what stores a value of letters, digits, `.`, `_` and `-`."""
        return self._cookie(value, self.max_age_seconds)

    def clear(self) -> Cookie:
        """Return what removes the value."""
        return self._cookie("", 0)

    def _cookie(self, value: str, max_age_seconds: int) -> Cookie:
        return Cookie(
            key=self.wire_name,
            value=value,
            max_age=max_age_seconds,
            path="/",
            secure=True,
            httponly=True,
            samesite=self.same_site,
        )

    def read(self, headers: Iterable[tuple[bytes, bytes]]) -> str | None:
        """Return the value in a request; None if there is none, or more than one."""
        lines = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        pairs = [pair.strip().partition("=") for line in lines for pair in line.split(";")]
        found = [value for name, _, value in pairs if name == self.wire_name]
        return found[0] if len(found) == 1 else None


def csrf_token(seed: str) -> str:
    """Return what pages send as `X-CSRF-Token`; the seed is in the cookie, which neither they nor other sites read."""
    return hmac.digest(seed.encode(), b"csrf", "sha256").hex()


def check_csrf(headers: Mapping[str, str], seed: str) -> None:
    """Raise `Forbidden` for a request with a cookie that is not proved to be of a page of this host."""
    if headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Forbidden("a page of another site has caused this request")
    given = headers.get(CSRF_HEADER, "").encode("latin-1", "replace")
    if not hmac.compare_digest(given, csrf_token(seed).encode()):
        raise Forbidden(f"a request with the cookie of a session needs its `csrf_token` as {CSRF_HEADER}")
