"""The API of an application under test."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID
from weakref import WeakKeyDictionary

from adapters.system.clock import TimeOrderedIds
from config.container import Application
from config.sections.http import GraphQL, Limits
from core.identity.account import NewAccount
from core.identity.api_key import NewApiKey
from core.identity.api_keys.known_api_keys import KnownApiKeys
from core.identity.credential import ApiKeyId, new_credential
from core.identity.roles import Role
from core.identity.sessions.session_issuer import Proof
from core.kernel.authorization import SYSTEM, acting_as
from core.kernel.clock import Clock
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.own_writes import OwnWrites
from core.use_cases import UseCases
from entrypoints.contexts import http_handlers
from entrypoints.http.app import create_app
from entrypoints.http.fees.timeline_streams import StreamTimes
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.middleware.authentication import is_protected
from entrypoints.http.middleware.rate_limiting import RateLimits
from entrypoints.http.submission_intents import IntentSigner


def unlimited_admission() -> AdmissionControl:
    """Return admission control that rejects no request."""
    return AdmissionControl(IntentSigner(secret=b"", grace=timedelta(0)), max_in_flight=100_000)


def http_app(
    application: Application,
    *,
    use_cases: UseCases | None = None,
    probes: Sequence[Probe] | None = None,
    clock: Clock | None = None,
    admission: AdmissionControl | None = None,
    documented: bool = False,
    keyed: bool = True,
    limits: Limits | None = None,
    trusted_proxies: int = 0,
    graphql: GraphQL | None = None,
    own_writes: OwnWrites | None = None,
    stream_times: StreamTimes | None = None,
) -> Any:
    """Serve an application over HTTP; `keyed` adds an administrator's API key to requests without a credential."""
    app = create_app(
        http_handlers(),
        use_cases or application.use_cases(),
        application.messaging.answers(),
        application.probes() if probes is None else probes,
        clock or application.process.clock(),
        admission or unlimited_admission(),
        RateLimits(application.storage.rate_limiter(), limits or Limits()),
        trusted_proxies=trusted_proxies,
        graphql=graphql,
        documented=documented,
        own_writes=own_writes,
        stream_times=stream_times,
    )
    return Keyed(app, application) if keyed else app


class Keyed:
    """Adds the API key of the application, which its first request creates, to requests without a credential."""

    _keys: ClassVar = WeakKeyDictionary[KnownApiKeys, str]()
    """By what an application knows of them, which an emptied application has anew."""

    def __init__(self, app: Any, application: Application) -> None:
        self._app, self._application, self._lock = app, application, asyncio.Lock()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        needed = scope["type"] == "http" and is_protected(scope["path"])
        if needed and b"authorization" not in dict(scope["headers"]):
            async with self._lock:
                credential = await self.key(self._application)
            sent = f"Bearer {credential}".encode()
            scope["headers"] = [*scope["headers"], (b"authorization", sent)]
        await self._app(scope, receive, send)

    @classmethod
    async def key(cls, application: Application) -> str:
        """Return the API key of an application; an invented one while its database is away."""
        known = application.identity.known_api_keys()
        if known not in cls._keys:
            with suppress(Unavailable):
                cls._keys[known] = await an_api_key(application)
        return cls._keys.get(known) or new_credential(ApiKeyId(UUID(int=7)))


async def an_api_key(application: Application, role: Role = Role.ADMINISTRATOR, **fields: Any) -> str:
    """Return a new API key of a new account."""
    identity, ids = application.use_cases().identity, TimeOrderedIds()  # the ids of the application belong to tests
    create_account, create_api_key = (
        replace(identity.create_account, ids=ids),
        replace(identity.create_api_key, ids=ids),
    )
    with acting_as(SYSTEM):
        account = await create_account(NewAccount(roles=(role,), name="Tests", **fields))
        return (await create_api_key(NewApiKey(account=account.id, name="tests"))).credential


async def an_access_token(application: Application) -> str:
    """Return the access token of a new administrator who has just signed in with a password."""
    identity = application.use_cases().identity
    with acting_as(SYSTEM):
        await identity.create_signing_key()
        account = await identity.create_account(NewAccount(roles=(Role.ADMINISTRATOR,), name="Tests"))
    tokens = await application.identity.session_issuer().open(Proof(account=account.id, methods=("pwd",)))
    return tokens.access_token
