"""Authentication: the credential of a request decides who acts, before its body is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.identity.credential import PREFIX, key_of
from core.identity.use_cases import IdentityUseCases
from core.kernel.authorization import ANONYMOUS, NotAuthenticated, Principal, acting_as
from core.kernel.errors import CoreError, Unavailable
from entrypoints.http.middleware.admission import (
    OUTAGE_DETAIL,
    AdmissionControl,
    OverloadResponse,
    is_submissions_path,
    read_body,
    refused_unread,
    send_response,
)
from entrypoints.http.middleware.http_rules import respond
from entrypoints.http.middleware.route_options import RouteOptions, routed_path, segments
from entrypoints.http.problems import as_problem, encode_problem, headers_of

RAW_CREDENTIAL_HEADER = b"authorization"
BEARER_PATTERN = re.compile(rb"bearer +([!-~]+)", re.IGNORECASE)
"""RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110, section 11.1)."""
REFUSAL = "authentication_refusal"
"""Key of the scope: the error of the credential."""
PROTECTED = "v1"
"""The first segment of the paths that need a credential; health, metrics and the API document need none."""
OPEN = "open_to_all"
"""What a route below it declares that needs none: what it calls checks a signature, or makes a caller known."""
HOW_TO = "send one header `Authorization: Bearer …` with an API key or an access token"


@dataclass(frozen=True, slots=True)
class Authentication:
    """Tells who acts by the credential of a request."""

    identity: IdentityUseCases

    async def __call__(self, credential: str, address: str) -> Principal:
        """Return the principal; raise `NotAuthenticated`."""
        if credential.startswith(PREFIX):
            authenticate = self.identity.authenticate_api_key
            return authenticate.if_known(credential, address) or await authenticate(credential, address)
        return await self.identity.authenticate_session(credential, address)

    def if_known(self, headers: Mapping[bytes, bytes]) -> Principal | None:
        """Return the principal of a credential that costs no query; None for one that this process must look up."""
        found = BEARER_PATTERN.fullmatch(headers.get(RAW_CREDENTIAL_HEADER, b""))
        if found is None or not found[1].startswith(PREFIX.encode()):
            return None
        return self.identity.authenticate_api_key.if_known(found[1].decode())


class AuthenticationMiddleware:
    """Sets the principal of a request; one without a valid credential is anonymous until it is refused."""

    def __init__(self, app: ASGIApp, authentication: Authentication, route_options: RouteOptions) -> None:
        self._app, self._authentication, self._route_options = app, authentication, route_options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        principal = ANONYMOUS
        if scope["type"] == ScopeType.HTTP and self._needs_credential(scope):
            try:
                principal = await self._authentication(credential_of(scope), address_of(scope))
            except CoreError as error:
                scope[REFUSAL] = error  # type: ignore[literal-required]
        with acting_as(principal):
            await self._app(scope, receive, send)

    def _needs_credential(self, scope: HTTPScope) -> bool:
        return is_protected(routed_path(scope)) and not self._route_options.of(scope).get(OPEN)


class RefusalMiddleware:
    """Refuses a request without a valid credential, after it counted against the limit of its address."""

    def __init__(self, app: ASGIApp, admission: AdmissionControl) -> None:
        self._app, self._admission = app, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        error: Any = scope.get(REFUSAL)
        if error is None or scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif isinstance(error, Unavailable) and (rejection := await self._keep_arrival(scope, receive)):
            await send_response(rejection, send)
        else:
            await refuse(error, send)

    async def _keep_arrival(self, scope: HTTPScope, receive: Receive) -> OverloadResponse | None:
        """Return a 503 with an intent for the API key that a submission names: only who has the key can use it."""
        headers = dict(scope["headers"])
        if scope["method"] != "POST" or not is_submissions_path(scope["path"]) or refused_unread(headers):
            return None
        if (key := key_of(credential_of(scope))) is None:
            return None
        received = await read_body(receive)
        if received["type"] == "http.disconnect":
            return None
        with acting_as(Principal(subject=f"api-key:{key}", api_key=key)):
            return self._admission.reject(scope, headers, received["body"], OUTAGE_DETAIL)


def is_protected(path: str) -> bool:
    """Return whether a path, in any spelling, needs a credential unless its route is open."""
    return segments(path)[:1] == (PROTECTED,)


def credential_of(scope: HTTPScope) -> str:
    """Return the only credential of a request; raise `NotAuthenticated`."""
    given = [value for name, value in scope["headers"] if name == RAW_CREDENTIAL_HEADER]
    if len(given) != 1:
        raise NotAuthenticated(f"the request has {len(given)} credentials: {HOW_TO}")
    if (found := BEARER_PATTERN.fullmatch(given[0])) is None:
        raise NotAuthenticated(f"the credential has another form: {HOW_TO}")
    return found[1].decode()


def address_of(scope: HTTPScope) -> str:
    """Return the network address of the client."""
    client = scope.get("client")
    return client[0] if client else ""


async def refuse(error: CoreError, send: Send) -> None:
    """Send the problem document of a request that names no valid principal."""
    problem = as_problem(error)
    body = encode_problem(problem)
    headers = {"content-type": "application/problem+json", "content-length": str(len(body)), **headers_of(error)}
    await respond(
        send, problem.status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body
    )
