"""Sign-in and sessions over HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, delete, get, post
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath, JSONBody

from core.identity.password import Login
from core.identity.passwords.password_method import PasswordCredential
from core.identity.passwords.password_policy import PlainPassword
from core.identity.second_factor import CODE, Code
from core.identity.session import DEVICE, SessionId
from core.identity.sessions.list_sessions import OpenSession
from core.kernel.authorization import current_principal
from core.kernel.constraints import Text
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.session_cookie import (
    CsrfToken,
    KeptSession,
    SessionAnswer,
    answer_with_cookie,
    answer_with_tokens,
    forgotten,
)
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems

NOT_STORED = CacheControlHeader(no_store=True)
REFRESH_TOKEN = Text("a refresh token as it was received", r"[A-Za-z0-9_-]{1,200}")


class SignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A login and its password."""

    login: Login
    password: PlainPassword
    device: Annotated[str, DEVICE] = ""
    """What the client calls itself, for the list of sessions."""
    cookie: bool = False
    """Whether a browser keeps the refresh token in a cookie that its scripts cannot read."""
    code: Code | None = None
    """Of the second factor, for an account that has one: six digits, or a recovery code."""

    def __post_init__(self) -> None:
        if self.code is not None:
            CODE.check("code", self.code)


class RefreshBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The refresh token that was received last; a browser sends it in its cookie."""

    refresh_token: Annotated[str, REFRESH_TOKEN] | None = None

    def __post_init__(self) -> None:
        if self.refresh_token is not None:
            REFRESH_TOKEN.check("refresh_token", self.refresh_token)


class SessionList(msgspec.Struct, frozen=True):
    """The open sessions of an account, the newest first."""

    items: Sequence[OpenSession]


def address_of(request: Request[Any, Any, Any]) -> str:
    """Return the network address of the client; empty for a peer without one."""
    return request.client.host if request.client else ""


class SessionsController(Controller):
    """Opens, refreshes, lists and ends sessions."""

    path = "/v1/sessions"
    tags = ("Sessions",)

    @post(
        operation_id="signIn",
        open_to_all=True,
        rate_limit="sign-ins",
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 401, 413, 415, 422, 503),
    )
    async def sign_in(
        self, request: Request[Any, Any, Any], data: JSONBody[SignInBody], use_cases: Wired[UseCases]
    ) -> Response[SessionAnswer]:
        """Sign in: an access token for requests, and a refresh token for the next one."""
        credential, code = PasswordCredential(login=data.login, password=data.password), data.code or ""
        address = address_of(request)
        tokens = await use_cases.identity.sign_in(credential, code=code, device=data.device, address=address)
        return answer_with_cookie(tokens) if data.cookie else answer_with_tokens(tokens)

    @post(
        "/refresh",
        operation_id="refreshSession",
        open_to_all=True,
        rate_limit="refreshes",
        status_code=200,
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 401, 403, 413, 415, 422, 503),
    )
    async def refresh(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[RefreshBody],
        use_cases: Wired[UseCases],
        csrf_token: CsrfToken = None,  # noqa: ARG002 - for the API document; `KeptSession` reads it
    ) -> Response[SessionAnswer]:
        """Exchange a refresh token for its successor and a new access token; a used one ends the session."""
        if data.refresh_token is not None:
            return answer_with_tokens(await use_cases.identity.refresh_session(data.refresh_token))
        kept = KeptSession.of(request)
        return answer_with_cookie(await use_cases.identity.refresh_session(kept.refresh_token), kept.seed)

    @get(operation_id="listSessions", cache_control=NOT_STORED, responses=problems(503))
    async def list_all(self, use_cases: Wired[UseCases]) -> SessionList:
        """List the open sessions of the caller, the newest first."""
        return SessionList(await use_cases.identity.list_sessions())

    @delete("/{session:uuid}", operation_id="endSession", responses=problems(400, 404, 503))
    async def end(
        self, request: Request[Any, Any, Any], session: FromPath[UUID], use_cases: Wired[UseCases]
    ) -> Response[None]:
        """End a session; its access tokens are refused everywhere within a second."""
        await use_cases.identity.end_session(SessionId(session))
        return forgotten(request) if session == current_principal.get().session else Response(None)

    @delete(operation_id="endSessions", responses=problems(503))
    async def end_all(self, request: Request[Any, Any, Any], use_cases: Wired[UseCases]) -> Response[None]:
        """Sign the caller out everywhere."""
        await use_cases.identity.end_sessions()
        return forgotten(request)
