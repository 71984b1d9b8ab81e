"""The answer that opens or refreshes a session: to a program with both tokens, to a browser with a cookie."""

import re
import secrets
from typing import Annotated, Any, NamedTuple, Self

import msgspec
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.params import HeaderParameter

from core.identity.session import MAX_LIFETIME, SessionId
from core.identity.tokens import SessionTokens
from core.kernel.authorization import NotAuthenticated
from entrypoints.http.cookies import CSRF_HEADER, HostCookie, check_csrf, csrf_token

COOKIE = HostCookie("bursar-session", int(MAX_LIFETIME.total_seconds()))
VALUE_PATTERN = re.compile(r"([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{1,200})")
"""The seed of the CSRF token, which stays while the session lasts, and the refresh token."""
SEED_BYTES = 32
CsrfToken = Annotated[
    str | None,
    HeaderParameter(name=CSRF_HEADER, description="The `csrf_token` of the sign-in; needed with the cookie"),
]


class SessionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client receives when it signs in or refreshes."""

    session: SessionId
    access_token: str
    refresh_token: str = ""
    """Absent when it is in the cookie `__Host-bursar-session`."""
    csrf_token: str = ""
    """What a browser with the cookie sends as `X-CSRF-Token` to refresh; the same while the session lasts."""
    expires_in: int
    """Seconds until the access token expires."""
    token_type: str


class KeptSession(NamedTuple):
    """What a cookie keeps of a session."""

    seed: str
    refresh_token: str

    @classmethod
    def of(cls, request: Request[Any, Any, Any]) -> Self:
        """Return what the only cookie of a request keeps; raise `NotAuthenticated` or `Forbidden`."""
        value = COOKIE.read(request.scope["headers"])
        if value is None:
            raise NotAuthenticated("send `refresh_token`, or the cookie of a session")
        if (found := VALUE_PATTERN.fullmatch(value)) is None:
            raise NotAuthenticated("the cookie keeps no session; sign in")
        check_csrf(request.headers, found[1])
        return cls(found[1], found[2])


def answer_with_tokens(tokens: SessionTokens) -> Response[SessionAnswer]:
    """Answer a program, which keeps the refresh token itself."""
    return Response(answer(tokens, refresh_token=tokens.refresh_token))


def answer_with_cookie(tokens: SessionTokens, seed: str = "", *more: Cookie) -> Response[SessionAnswer]:
    """Answer a browser, whose scripts never see the refresh token; a new session gets a new seed."""
    seed = seed or secrets.token_urlsafe(SEED_BYTES)
    kept = COOKIE.set(f"{seed}.{tokens.refresh_token}")
    return Response(answer(tokens, csrf_token=csrf_token(seed)), cookies=[kept, *more])


def answer(tokens: SessionTokens, **more: str) -> SessionAnswer:
    """Return the body of an answer."""
    return SessionAnswer(
        session=tokens.session,
        access_token=tokens.access_token,
        expires_in=tokens.expires_in,
        token_type=tokens.token_type,
        **more,
    )


def forgotten(request: Request[Any, Any, Any]) -> Response[None]:
    """Answer that a session ended, and remove its cookie from a browser that has one."""
    return Response(None, cookies=[COOKIE.clear()] if COOKIE.read(request.scope["headers"]) is not None else [])
