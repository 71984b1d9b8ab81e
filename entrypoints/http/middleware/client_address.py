"""The address of a client behind proxies, which only their own entries of `X-Forwarded-For` prove."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from core.kernel.network import plain_address

FORWARDED_FOR = b"x-forwarded-for"
ENTRY_PATTERN = re.compile(
    r"[ \t]*(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?"
    r"|(?P<ipv4>[0-9.]+)(?::[0-9]{1,5})?"
    r"|(?P<ipv6>[0-9A-Fa-f:.]+))[ \t]*"
)
"""An address; proxies add its port (`203.0.113.7:49152`), and brackets (`[2001:db8::7]:49152`)."""


class ClientAddressMiddleware:
    """Replaces the peer, which is the nearest proxy, by the client of the farthest trusted proxy."""

    def __init__(self, app: ASGIApp, trusted_proxies: int) -> None:
        self._app, self._trusted_proxies = app, trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == ScopeType.HTTP:
            lines = [value for name, value in scope["headers"] if name == FORWARDED_FOR]
            client: Any = scope.get("client")
            peer = client[0] if client else ""
            scope["client"] = client_address(peer, lines, self._trusted_proxies), 0
        await self._app(scope, receive, send)


def client_address(peer: str, lines: Sequence[bytes], trusted_proxies: int) -> str:
    """Return the entry that the farthest trusted proxy added; the peer where it is missing or no address.

    Each proxy adds the address it was called from at the right, so whatever a client sends stands further left.  With
    fewer entries the request has passed by a proxy, and all such requests count as the peer's.
    """
    entries = b",".join(lines).rsplit(b",", trusted_proxies)
    if len(entries) < trusted_proxies:
        return peer
    return address_in(entries[-trusted_proxies]) or peer


@lru_cache(maxsize=4_096)
def address_in(entry: bytes) -> str | None:
    """Return the address of an entry; None if it is none."""
    found = ENTRY_PATTERN.fullmatch(entry.decode("latin-1"))
    return plain_address(found[found.lastgroup or 0]) if found else None
