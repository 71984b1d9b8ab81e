"""The HTTP client of vendor adapters: connections, timeouts and the meaning of transport errors."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    InvalidURL,
    NonHttpUrlClientError,
    TCPConnector,
)
from yarl import URL

from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable

CONNECT_TIMEOUT_SECONDS = 3.0
KEEP_ALIVE_SECONDS = 10.0  # shorter than any vendor's: a request on a closing connection would have an unknown outcome
MAX_BODY_BYTES = 65_536
MAX_RETRY_AFTER_SECONDS = 3_600.0
NOT_SENT = (ClientConnectorError, ConnectionTimeoutError, InvalidURL, NonHttpUrlClientError)
"""Errors that aiohttp raises before it has a connection; TLS faults are among them."""


@dataclass(frozen=True, slots=True)
class VendorResponse:
    """A vendor's answer with any status."""

    status: int
    document: Any
    """The JSON in the body; None without any, or beyond the largest size."""
    headers: Mapping[str, str]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object in the body; empty without one."""
        return self.document if isinstance(self.document, dict) else {}

    @property
    def retry_after(self) -> float | None:
        """Seconds of `Retry-After`, at most an hour; a date is relative to the `Date` header of the answer."""
        asked = self.headers.get("Retry-After", "").strip()
        if asked.isdecimal():
            return min(float(asked[:9]), MAX_RETRY_AFTER_SECONDS)
        try:
            until = parse_http_date(asked)
            now = parse_http_date(self.headers["Date"]) if "Date" in self.headers else datetime.now(UTC)
        except ValueError:
            return None
        return min(max((until - now).total_seconds(), 0.0), MAX_RETRY_AFTER_SECONDS)


class VendorHttpClient:
    """The HTTP API of one vendor; connections open at the first request and are reused."""

    def __init__(self, vendor: str, url: str, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        """`tls` replaces the trust in the authorities of the system."""
        self._vendor, self._tls = vendor, tls or True
        self._url = url.rstrip("/")
        self._timeout = ClientTimeout(total=timeout, connect=min(CONNECT_TIMEOUT_SECONDS, timeout / 2))
        self._session: ClientSession | None = None

    def address(self, path: str) -> str:
        """Return the URL of a path."""
        return self._url + path

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str], largest: int = MAX_BODY_BYTES, method: str = "POST"
    ) -> VendorResponse:
        """Return the vendor's answer; raise `VendorUnavailable` or `OutcomeUnknown` without one."""
        with translate_transport_errors(self._vendor):
            url = self.address(path)
            request = self._open().request(method, url, data=body, headers=headers, allow_redirects=False)
            async with request as response:
                return VendorResponse(response.status, await json_document(response, largest), response.headers)

    async def get(self, path: str, headers: Mapping[str, str], largest: int = MAX_BODY_BYTES) -> VendorResponse:
        """Return the vendor's answer; raise `VendorUnavailable` without one: a GET has no effect."""
        try:
            with translate_transport_errors(self._vendor):
                request = self._open().get(
                    URL(self.address(path), encoded=True), headers=headers, allow_redirects=False
                )
                async with request as response:
                    return VendorResponse(response.status, await json_document(response, largest), response.headers)
        except OutcomeUnknown as silence:
            raise VendorUnavailable(str(silence)) from silence

    async def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> ClientSession:
        if self._session is None:  # not in __init__: a session belongs to the running event loop
            self._session = ClientSession(
                connector=TCPConnector(keepalive_timeout=KEEP_ALIVE_SECONDS, ssl=self._tls),
                timeout=self._timeout,
                cookie_jar=DummyCookieJar(),
                auto_decompress=False,
                headers={"Accept-Encoding": "identity", "Accept": "application/json", "User-Agent": "bursar"},
                trust_env=False,
            )
        return self._session


@contextmanager
def translate_transport_errors(vendor: str) -> Iterator[None]:
    """Raise `VendorUnavailable` if the request was not sent, `OutcomeUnknown` if it may have been."""
    try:
        yield
    except (*NOT_SENT, UnicodeError) as error:  # a host name that cannot be encoded
        raise VendorUnavailable(f"{vendor} cannot be reached: {type(error).__name__}") from error
    except (ClientError, TimeoutError, OSError) as error:
        raise OutcomeUnknown(
            f"{vendor} may have received the request and did not answer: {type(error).__name__}"
        ) from error


async def json_document(response: ClientResponse, largest: int) -> Any:
    """Return the JSON in the body; None for anything else, or beyond `largest` bytes."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > largest:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def parse_http_date(date: str) -> datetime:
    """Parse an HTTP date; raise `ValueError`."""
    moment = parsedate_to_datetime(date)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
