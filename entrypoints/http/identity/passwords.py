"""Passwords and their one-time links over HTTP, and the keys that verify access tokens."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, get, post, put
from litestar.datastructures import CacheControlHeader
from litestar.params import FromPath, JSONBody

from core.identity.account import AccountId
from core.identity.password import LOGIN, Login
from core.identity.passwords.create_password_link import PasswordLink
from core.identity.passwords.password_policy import PlainPassword
from core.kernel.constraints import Text
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.sessions import NOT_STORED
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems

LINK_TOKEN = Text("the token of a one-time link", r"[A-Za-z0-9_-]{1,100}")
KEYS_MAX_AGE_SECONDS = 30
"""A new key signs a minute after it is published."""


class PasswordChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The present password and the next one."""

    current: PlainPassword
    password: PlainPassword


class PasswordByLink(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The token of a one-time link, and the password to set."""

    token: Annotated[str, LINK_TOKEN]
    password: PlainPassword

    def __post_init__(self) -> None:
        LINK_TOKEN.check("token", self.token)


class LinkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The login of an account that has none yet."""

    login: Login | None = None

    def __post_init__(self) -> None:
        if self.login is not None:
            LOGIN.check("login", self.login)


class KeySet(msgspec.Struct, frozen=True):
    """The public keys that verify access tokens (RFC 7517)."""

    keys: list[dict[str, str]]


class PasswordsController(Controller):
    """Sets and changes passwords."""

    path = "/v1"
    tags = ("Passwords",)

    @put(
        "/password",
        operation_id="changePassword",
        rate_limit="sign-ins",
        status_code=204,
        before_request=json_only,
        responses=problems(400, 413, 415, 422, 503),
    )
    async def change(self, data: JSONBody[PasswordChange], use_cases: Wired[UseCases]) -> None:
        """Change the password of the caller; every session of the account ends."""
        await use_cases.identity.change_password(data.current, data.password)

    @post(
        "/passwords",
        operation_id="setPassword",
        open_to_all=True,
        rate_limit="sign-ins",
        status_code=204,
        before_request=json_only,
        responses=problems(400, 401, 413, 415, 422, 503),
    )
    async def set_by_link(self, data: JSONBody[PasswordByLink], use_cases: Wired[UseCases]) -> None:
        """Set a password by a one-time link; every session of the account ends."""
        await use_cases.identity.set_password(data.token, data.password)

    @post(
        "/accounts/{account:uuid}/password-link",
        operation_id="createPasswordLink",
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def create_link(
        self, account: FromPath[UUID], data: JSONBody[LinkBody], use_cases: Wired[UseCases]
    ) -> PasswordLink:
        """Create the one-time link with which an account sets its password; an earlier one is no longer valid."""
        return await use_cases.identity.create_password_link(AccountId(account), data.login)


@get(
    "/.well-known/jwks.json",
    operation_id="listPublicKeys",
    tags=("Sessions",),
    cache_control=CacheControlHeader(public=True, max_age=KEYS_MAX_AGE_SECONDS),
    responses=problems(503),
)
async def public_keys(use_cases: Wired[UseCases]) -> KeySet:
    """List the public keys that verify access tokens."""
    found: list[dict[str, Any]] = [msgspec.json.decode(each) for each in await use_cases.identity.list_public_keys()]
    return KeySet(found)
