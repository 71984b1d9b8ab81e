"""Rate limits of requests, by account or key and by address: others get 429 with `Retry-After`.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from core.kernel.authorization import ANONYMOUS, current_principal
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter, Verdict
from entrypoints.http.middleware.http_rules import respond
from entrypoints.http.middleware.route_options import RouteOptions
from entrypoints.http.problems import as_problem, encode_problem, retry_after
from entrypoints.http.protocol.connections import MONITORING_PATHS

Kind = Literal["requests", "submissions", "sign-ins", "refreshes", "codes"]
"""What a route names as `rate_limit`; without it, a request counts as one of `requests`."""
BEFORE_SIGN_IN: frozenset[Kind] = frozenset({"sign-ins", "refreshes", "codes"})
"""Limited by address in any case: their caller is not known yet."""
WINDOW_SECONDS = 60
QUOTA = "quota"
"""Key of the scope: the `Quota` of the request."""


class RequestLimits(Protocol):
    """Requests of one account, key or address in a minute; the settings of the section `limits`."""

    @property
    def requests_per_minute(self) -> int:
        """Everything without a limit of its own."""

    @property
    def submissions_per_minute(self) -> int:
        """Submissions of exam fees."""

    @property
    def sign_ins_per_minute(self) -> int:
        """Attempts to sign in."""

    @property
    def refreshes_per_minute(self) -> int:
        """Exchanges of refresh tokens."""

    @property
    def codes_per_minute(self) -> int:
        """One-time codes that are requested or entered."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits of all kinds, and the adapter that counts."""

    limiter: RateLimiter
    per_minute: RequestLimits

    def by_kind(self) -> dict[Kind, Limit]:
        """Return the limit of each kind."""
        permits: dict[Kind, int] = {
            "requests": self.per_minute.requests_per_minute,
            "submissions": self.per_minute.submissions_per_minute,
            "sign-ins": self.per_minute.sign_ins_per_minute,
            "refreshes": self.per_minute.refreshes_per_minute,
            "codes": self.per_minute.codes_per_minute,
        }
        return {kind: Limit(kind, number, WINDOW_SECONDS) for kind, number in permits.items()}


@dataclass(slots=True)
class Quota:
    """What a request has of its limits: a permit, and further ones for what it asks for in its body."""

    limiter: RateLimiter
    wanted: Mapping[str, Limit]
    verdict: Verdict
    unused: int = 1

    async def take(self, number: int) -> int:
        """Take up to a number of permits, and return how many there were."""
        unused = min(self.unused, number)
        self.unused -= unused
        further = number - unused
        while further:
            self.verdict = await self.limiter.acquire(self.wanted, further)
            if self.verdict.allowed:
                break
            further = self.verdict.remaining
        return unused + further


class RateLimitMiddleware:
    """Judges a request after its principal is known and before anything of it is decoded."""

    def __init__(self, app: ASGIApp, limits: RateLimits, route_options: RouteOptions) -> None:
        self._app, self._limiter, self._limits = app, limits.limiter, limits.by_kind()
        self._route_options = route_options
        self._policies = {limit.name: policy(limit) for limit in self._limits.values()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP or scope["path"] in MONITORING_PATHS:
            await self._app(scope, receive, send)
            return
        wanted = self._wanted(scope)
        verdict = await self._limiter.acquire(wanted)
        if not verdict.allowed:
            await refuse(RateLimited.by(verdict), self._headers(verdict), send)
            return
        quota = Quota(self._limiter, wanted, verdict)
        scope[QUOTA] = quota  # type: ignore[literal-required]

        async def send_with_quota(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers(quota.verdict)]
            await send(message)

        await self._app(scope, receive, send_with_quota)

    def _headers(self, verdict: Verdict) -> list[tuple[bytes, bytes]]:
        return [(b"ratelimit-policy", self._policies[verdict.limit.name]), (b"ratelimit", state(verdict))]

    def _wanted(self, scope: HTTPScope) -> dict[str, Limit]:
        """Return the limits of a request with the keys that they count by."""
        kind: Kind = self._route_options.of(scope).get("rate_limit", "requests")
        limit, subject = self._limits[kind], current_principal.get().subject
        wanted = {}
        if subject != ANONYMOUS.subject:
            wanted[f"{kind}:{subject}"] = limit
        if not wanted or kind in BEFORE_SIGN_IN:
            client: Any = scope.get("client")
            wanted[f"{kind}:{source_of(client[0] if client else '')}"] = limit
        return wanted


def policy(limit: Limit) -> bytes:
    """Return the value of `RateLimit-Policy`: the quota and the seconds of its window."""
    return b'"%s";q=%d;w=%d' % (limit.name.encode(), limit.permits, limit.seconds)


def state(verdict: Verdict) -> bytes:
    """Return the value of `RateLimit`: what remains, and the seconds until more does."""
    return b'"%s";r=%d;t=%d' % (verdict.limit.name.encode(), verdict.remaining, math.ceil(verdict.wait_seconds))


async def refuse(error: RateLimited, quota_headers: list[tuple[bytes, bytes]], send: Send) -> None:
    """Send a 429."""
    body = encode_problem(as_problem(error))
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await respond(send, 429, [*headers, (b"retry-after", b"%d" % (retry_after(error) or 1)), *quota_headers], body)
