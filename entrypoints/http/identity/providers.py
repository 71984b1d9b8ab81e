"""Sign-in with identity providers over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, QueryParameter

from core.identity.pending_sign_in import LIFETIME
from core.identity.providers.provider_method import ProviderAnswer
from core.use_cases import UseCases
from entrypoints.http.cookies import HostCookie
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.session_cookie import SessionAnswer, answer_with_cookie
from entrypoints.http.identity.sessions import NOT_STORED, address_of
from entrypoints.http.query_parameters import FOREIGN_QUERY

COOKIE = HostCookie("bursar-sign-in", int(LIFETIME.total_seconds()), same_site="lax")
"""Binds a sign-in to the browser that started it; the provider's redirect is a navigation from another site."""
State = Annotated[str, QueryParameter(name="state")]
Code = Annotated[str, QueryParameter()]
ResponseIssuer = Annotated[str | None, QueryParameter(name="iss")]


class IdentityLinkStart(msgspec.Struct, frozen=True):
    """Where a browser goes to prove the identity that is to be linked."""

    authorization_url: str


class ProvidersController(Controller):
    """Sends browsers to identity providers and takes what they come back with."""

    path = "/v1"
    include_in_schema = False
    """The API document is for programs; these routes are for a browser, which keeps a cookie and follows `Location`."""

    @get(
        "/sign-in/{provider:str}",
        open_to_all=True,
        rate_limit="sign-ins",
        status_code=303,
        cache_control=NOT_STORED,
    )
    async def begin(self, provider: FromPath[str], use_cases: Wired[UseCases]) -> Response[None]:
        """Send the browser to an identity provider."""
        request = await use_cases.identity.sign_in_with_provider(provider)
        return Response(None, headers={"Location": request.url}, cookies=[COOKIE.set(request.browser_secret)])

    @get(
        "/sign-in/{provider:str}/callback",
        open_to_all=True,
        rate_limit="sign-ins",
        cache_control=NOT_STORED,
        opt={FOREIGN_QUERY: True},  # providers add parameters of their own
    )
    async def complete(
        self,
        provider: FromPath[str],
        request: Request[Any, Any, Any],
        use_cases: Wired[UseCases],
        returned_state: State = "",
        code: Code = "",
        response_issuer: ResponseIssuer = None,
    ) -> Response[SessionAnswer]:
        """Open a session for the account that is linked with the identity, or link the account that asked for it."""
        browser_secret = COOKIE.read(request.scope["headers"]) or ""
        answer = ProviderAnswer(
            provider=provider, state=returned_state, code=code, issuer=response_issuer, browser_secret=browser_secret
        )
        tokens = await use_cases.identity.sign_in(answer, address=address_of(request))
        return answer_with_cookie(tokens, "", COOKIE.clear())

    @post(
        "/identity-links/{provider:str}",
        rate_limit="sign-ins",
        status_code=200,
        cache_control=NOT_STORED,
    )
    async def link(self, provider: FromPath[str], use_cases: Wired[UseCases]) -> Response[IdentityLinkStart]:
        """Start to link the account of the caller with an identity; then its password and sessions end."""
        request = await use_cases.identity.link_identity(provider)
        return Response(IdentityLinkStart(request.url), cookies=[COOKIE.set(request.browser_secret)])
