"""What an identity provider publishes about itself: its endpoints and its keys.

https://openid.net/specs/openid-connect-discovery-1_0.html, sections 3 and 4.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from adapters.oidc.issuer import TENANT, Issuer
from adapters.vendor_http import VendorHttpClient
from core.identity.identity_provider import ProviderUnavailable
from core.kernel.clock import Clock
from core.kernel.vendor_errors import VendorUnavailable

T = TypeVar("T")
LIFETIME = timedelta(hours=1)
"""How long endpoints and keys are used without being read again: a withdrawn key is refused after it."""
KEY_RENEWAL = timedelta(minutes=1)
"""The least time between two requests for keys: a stream of tokens with unknown keys causes no stream of requests."""
MAX_DOCUMENT_BYTES = 262_144
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The part of the discovery document that the code flow uses."""

    authorization: str
    token: str
    keys: str
    basic_authentication: bool
    """Whether the client authenticates with HTTP Basic, else in the form."""
    announces_issuer: bool
    """Whether every authorization response has the parameter `iss`."""


class Shared(Generic[T]):
    """A value that is read once for all who wait for it, and read again when it is too old."""

    def __init__(self, read: Callable[[], Awaitable[T]], clock: Clock) -> None:
        self._read, self._clock = read, clock
        self._kept: tuple[T, datetime] | None = None
        self._reading: asyncio.Future[T] | None = None

    async def get(self, age: timedelta = LIFETIME) -> T:
        """Return a value that is not older; raise what its reading raises."""
        if self._kept and self._clock.now() - self._kept[1] < age:
            return self._kept[0]
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._renew())
            self._reading.add_done_callback(retrieve)
        return await asyncio.shield(self._reading)

    async def _renew(self) -> T:
        value = await self._read()
        self._kept = value, self._clock.now()
        return value


def retrieve(reading: asyncio.Future[Any]) -> None:
    """Take note of a failure that no request waits for any more: without it asyncio logs a traceback."""
    if not reading.cancelled():
        reading.exception()


class ProviderMetadata:
    """Reads endpoints and keys of one provider; redirects are not followed, and a large answer is refused."""

    def __init__(self, http: VendorHttpClient, issuer: Issuer, clock: Clock) -> None:
        self._http, self._issuer = http, issuer
        self._endpoints = Shared(self._read_endpoints, clock)
        self._keys = Shared(self._read_keys, clock)

    async def endpoints(self) -> Endpoints:
        """Return the endpoints; raise `ProviderUnavailable`."""
        return await self._endpoints.get()

    async def keys(self, kid: str | None) -> Sequence[Mapping[str, Any]]:
        """Return the keys that may have signed; an unknown key id reads them again, at most once a minute."""
        found = [key for key in await self._keys.get() if kid is None or key.get("kid") == kid]
        if not found:
            found = [key for key in await self._keys.get(KEY_RENEWAL) if kid is None or key.get("kid") == kid]
        return found

    async def _read_endpoints(self) -> Endpoints:
        document = await self._get(self._issuer.discovery_url)
        if document.get("issuer") != self._issuer.name:
            raise ProviderUnavailable(f"the discovery document of {self._issuer.name} names another issuer")
        challenges = document.get("code_challenge_methods_supported")
        if isinstance(challenges, list) and "S256" not in challenges:
            raise ProviderUnavailable(f"{self._issuer.name} does not support PKCE with S256")
        return Endpoints(
            authorization=self._endpoint(document, "authorization_endpoint"),
            token=self._endpoint(document, "token_endpoint"),
            keys=self._endpoint(document, "jwks_uri"),
            basic_authentication=self._basic(document.get("token_endpoint_auth_methods_supported")),
            announces_issuer=document.get("authorization_response_iss_parameter_supported") is True,
        )

    def _basic(self, supported: Any) -> bool:
        """Return whether HTTP Basic is supported, which a document without the list implies."""
        if not isinstance(supported, list) or "client_secret_basic" in supported:
            return True
        if "client_secret_post" in supported:
            return False
        raise ProviderUnavailable(f"{self._issuer.name} supports neither client_secret_basic nor client_secret_post")

    def _endpoint(self, document: Mapping[str, Any], name: str) -> str:
        """Return a URL of the document; it stays on https, or on this machine as its issuer does."""
        url = document.get(name)
        if not isinstance(url, str) or not is_safe(url, local=self._issuer.is_local) or TENANT in url:
            raise ProviderUnavailable(f"{self._issuer.name} names no usable {name}")
        return url

    async def _read_keys(self) -> Sequence[Mapping[str, Any]]:
        keys = (await self._get((await self.endpoints()).keys)).get("keys")
        if not isinstance(keys, list):
            raise ProviderUnavailable(f"{self._issuer.name} publishes no keys")
        return [key for key in keys if isinstance(key, dict)]

    async def _get(self, url: str) -> Mapping[str, Any]:
        try:
            answer = await self._http.get(url, {}, MAX_DOCUMENT_BYTES)
        except VendorUnavailable as silence:
            raise ProviderUnavailable(str(silence)) from silence
        if answer.status != 200 or not answer.fields:
            raise ProviderUnavailable(f"{self._issuer.name} answered {answer.status} without a usable document")
        return answer.fields


def is_safe(url: str, *, local: bool) -> bool:
    """Tell whether a URL has the form of an endpoint: https, without a user or a fragment; http only if local."""
    try:
        parts = urlsplit(url)
        valid = bool(parts.hostname) and parts.port != 0 and parts.username is None and not parts.fragment
    except ValueError:
        return False
    plain = local and parts.scheme == "http" and parts.hostname in LOOPBACK
    return valid and url.isascii() and url.isprintable() and " " not in url and (parts.scheme == "https" or plain)
