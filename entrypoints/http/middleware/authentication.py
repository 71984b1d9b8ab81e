"""Authentication: the credential of a request decides who acts, before its body is read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from litestar.types import HTTPScope, Send

from core.identity.credential import PREFIX
from core.identity.use_cases import IdentityUseCases
from core.kernel.authorization import NotAuthenticated, Principal
from core.kernel.errors import CoreError
from entrypoints.http.middleware.http_rules import respond
from entrypoints.http.middleware.route_options import segments
from entrypoints.http.problems import as_problem, encode_problem, headers_of

RAW_CREDENTIAL_HEADER = b"authorization"
BEARER_PATTERN = re.compile(rb"bearer +([!-~]+)", re.IGNORECASE)
"""RFC 6750, section 2.1; the scheme is case-insensitive (RFC 9110, section 11.1)."""
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
