"""Rate limits of requests, by account or key and by address: others get 429 with `Retry-After`.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from litestar.types import HTTPScope, Send

from core.kernel.authorization import ANONYMOUS, current_principal
from core.kernel.network import source_of
from core.kernel.rate_limit import Limit, RateLimited, RateLimiter, Verdict
from entrypoints.http.middleware.http_rules import respond
from entrypoints.http.middleware.route_options import Options
from entrypoints.http.problems import as_problem, encode_problem, retry_after

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


@dataclass(slots=True)
class Quota:
    """What a request has of its limits: a permit, and further ones for what it asks for in its body."""

    limiter: RateLimiter
    wanted: Mapping[str, Limit]
    verdict: Verdict
    policies: Mapping[str, bytes]
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

    def headers(self) -> tuple[tuple[bytes, bytes], tuple[bytes, bytes]]:
        """Return the headers that tell the client what remains."""
        return (b"ratelimit-policy", self.policies[self.verdict.limit.name]), (b"ratelimit", state(self.verdict))


class RateLimits:
    """The limits of all kinds, and the adapter that counts."""

    def __init__(self, limiter: RateLimiter, per_minute: RequestLimits) -> None:
        permits: dict[Kind, int] = {
            "requests": per_minute.requests_per_minute,
            "submissions": per_minute.submissions_per_minute,
            "sign-ins": per_minute.sign_ins_per_minute,
            "refreshes": per_minute.refreshes_per_minute,
            "codes": per_minute.codes_per_minute,
        }
        self._limiter = limiter
        self._limits = {kind: Limit(kind, number, WINDOW_SECONDS) for kind, number in permits.items()}
        self._policies = {limit.name: policy(limit) for limit in self._limits.values()}

    async def admit(self, scope: HTTPScope, options: Options, send: Send) -> bool:
        """Count a request, and keep its quota in the scope; return False after a 429."""
        wanted = self._wanted(scope, options.get("rate_limit", "requests"))
        quota = Quota(self._limiter, wanted, await self._limiter.acquire(wanted), self._policies)
        if not quota.verdict.allowed:
            await refuse(RateLimited.by(quota.verdict), quota, send)
            return False
        scope[QUOTA] = quota  # type: ignore[literal-required]
        return True

    def _wanted(self, scope: HTTPScope, kind: Kind) -> dict[str, Limit]:
        """Return the limits of a request with the keys that they count by."""
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


async def refuse(error: RateLimited, quota: Quota, send: Send) -> None:
    """Send a 429."""
    body = encode_problem(as_problem(error))
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))]
    await respond(send, 429, [*headers, (b"retry-after", b"%d" % (retry_after(error) or 1)), *quota.headers()], body)
