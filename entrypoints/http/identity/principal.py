"""Who acts by a credential, for the client itself and for a gateway that protects another service with it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import HttpMethod, Response, get, route
from litestar.datastructures import ResponseHeader
from litestar.params import QueryParameter

from core.kernel.authorization import Permission, Principal, current_principal
from entrypoints.http.identity.sessions import NOT_STORED
from entrypoints.http.problems import problems

PATH, PATH_FOR_ANY_METHOD = "/v1/principal", "/v1/principal/of-request"
HEADERS = {
    "Bursar-Subject": "The account or API key that acts",
    "Bursar-Permissions": "What it may do, separated by spaces",
    "Bursar-Centre": "The only exam centre that it reaches; empty: every centre",
    "Bursar-Student": "The only student that it reaches; empty: every student",
}
"""A gateway gives each to the protected service, in place of what the client sent under that name."""
Wanted = Annotated[Permission | None, QueryParameter(description="Refuse a principal without this permission")]


class PrincipalAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who acts, and whose records it reaches."""

    subject: str
    permissions: Sequence[Permission]
    centre: str = ""
    student: UUID | None = None


@get(
    PATH,
    operation_id="showPrincipal",
    tags=("Sessions",),
    cache_control=NOT_STORED,
    response_headers=[
        ResponseHeader(name=name, description=text, documentation_only=True) for name, text in HEADERS.items()
    ],
    responses=problems(400, 503),
)
async def show_principal(permission: Wanted = None) -> Response[PrincipalAnswer]:
    """Show who acts by the credential, in the body and in headers; a gateway asks before it serves a request."""
    return answer(permission)


@route(
    PATH_FOR_ANY_METHOD,
    http_method=[HttpMethod.GET, HttpMethod.POST, HttpMethod.PUT, HttpMethod.PATCH, HttpMethod.DELETE],
    status_code=200,
    include_in_schema=False,
    cache_control=NOT_STORED,
)
async def show_principal_of_request(permission: Wanted = None) -> Response[PrincipalAnswer]:
    """Answer a gateway that asks with the method of the request that it is to serve, as Envoy does."""
    return answer(permission)


def answer(permission: Permission | None) -> Response[PrincipalAnswer]:
    """Return who acts; raise `NotPermitted` if that lacks the permission."""
    principal = current_principal.get()
    if permission:
        principal.require(permission)
    body = described(principal)
    values = body.subject, " ".join(body.permissions), body.centre, str(body.student or "")
    return Response(body, headers=dict(zip(HEADERS, values, strict=True)))


def described(principal: Principal) -> PrincipalAnswer:
    """Return what others may know of a principal."""
    return PrincipalAnswer(principal.subject, sorted(principal.permissions), principal.centre, principal.student)
