"""What is judged of a request before anything of it is decoded: its credential, and the limits of its caller."""

from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from core.identity.credential import key_of
from core.kernel.authorization import ANONYMOUS, Principal, acting_as
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
from entrypoints.http.middleware.authentication import (
    OPEN,
    Authentication,
    address_of,
    credential_of,
    is_protected,
    refuse,
)
from entrypoints.http.middleware.rate_limiting import RateLimits
from entrypoints.http.middleware.route_options import RouteOptions, routed_path
from entrypoints.http.protocol.connections import MONITORING_PATHS
from entrypoints.http.sent_headers import first_of_each


class GuardMiddleware:
    """Sets the principal of a request; without a valid credential it counts against its address, and is refused."""

    def __init__(
        self,
        app: ASGIApp,
        route_options: RouteOptions,
        authentication: Authentication,
        rate_limits: RateLimits,
        admission: AdmissionControl,
    ) -> None:
        self._app, self._route_options, self._admission = app, route_options, admission
        self._authentication, self._rate_limits = authentication, rate_limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        path, principal, error = routed_path(scope), ANONYMOUS, None
        options = self._route_options.of(scope["method"], path)
        if is_protected(path) and not options.get(OPEN):
            try:
                principal = await self._authentication(credential_of(scope), address_of(scope))
            except CoreError as refusal:
                error = refusal
        with acting_as(principal):
            if scope["path"] not in MONITORING_PATHS and not await self._rate_limits.admit(scope, options, send):
                return
            if error:
                await self._refuse(error, scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _refuse(self, error: CoreError, scope: HTTPScope, receive: Receive, send: Send) -> None:
        """Send the refusal of a credential; a submission during an outage keeps its arrival."""
        if isinstance(error, Unavailable) and (rejection := await self._keep_arrival(scope, receive)):
            await send_response(rejection, send)
        else:
            await refuse(error, send)

    async def _keep_arrival(self, scope: HTTPScope, receive: Receive) -> OverloadResponse | None:
        """Return a 503 with an intent for the API key that a submission names: only who has the key can use it."""
        headers = first_of_each(scope)
        if scope["method"] != "POST" or not is_submissions_path(scope["path"]) or refused_unread(headers):
            return None
        if (key := key_of(credential_of(scope))) is None:
            return None
        received: Any = await read_body(receive)
        if received["type"] == "http.disconnect":
            return None
        with acting_as(Principal(subject=f"api-key:{key}", api_key=key)):
            return self._admission.reject(scope, headers, received["body"], OUTAGE_DETAIL)
