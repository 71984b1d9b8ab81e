"""Sign-in of candidates with one-time codes over HTTP, and invitations."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Controller, Request, Response, post
from litestar.params import FromPath, JSONBody

from core.identity.account import AccountId
from core.identity.codes.code_method import CodeCredential
from core.identity.codes.request_code import CodeRequest
from core.identity.one_time_secret import CODE
from core.identity.passwords.invite_account import Invitation
from core.identity.second_factor import CODE as FACTOR_CODE
from core.identity.second_factor import Code
from core.identity.session import DEVICE
from core.kernel.constraints import Text
from core.kernel.registration import MAX_REGISTRATION_LENGTH
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.passwords import LinkBody
from entrypoints.http.identity.session_cookie import SessionAnswer, answer_with_cookie, answer_with_tokens
from entrypoints.http.identity.sessions import NOT_STORED, address_of
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems

REGISTRATION = Text(
    "a registration number as the roster has it, in any case of its letters",
    r"[A-Za-z0-9._/()& -]*[A-Za-z0-9][A-Za-z0-9._/()& -]*",
    MAX_REGISTRATION_LENGTH,
)


class CodeRequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The registration of a candidate; an e-mail address names no person, because families share them."""

    registration: Annotated[str, REGISTRATION]


class CodeSignInBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code, and the request that it answers."""

    request: UUID
    code: Annotated[str, CODE]
    device: Annotated[str, DEVICE] = ""
    """What the client calls itself, for the list of sessions."""
    cookie: bool = False
    """Whether a browser keeps the refresh token in a cookie that its scripts cannot read."""
    second_factor: Code | None = None
    """A code of the second factor, for an account that has one: six digits, or a recovery code."""

    def __post_init__(self) -> None:
        if self.second_factor is not None:
            FACTOR_CODE.check("second_factor", self.second_factor)


class CodesController(Controller):
    """Sends codes and links to persons, and takes codes."""

    path = "/v1"
    tags = ("Codes",)

    @post(
        "/codes",
        operation_id="requestCode",
        open_to_all=True,
        rate_limit="codes",
        status_code=202,
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 413, 415, 422, 503),
    )
    async def request_code(
        self, request: Request[Any, Any, Any], data: JSONBody[CodeRequestBody], use_cases: Wired[UseCases]
    ) -> CodeRequest:
        """Send a one-time code to the addresses on the roster; the answer is the same for an unknown registration."""
        return await use_cases.identity.request_code(data.registration, address_of(request))

    @post(
        "/sessions/code",
        operation_id="signInWithCode",
        open_to_all=True,
        rate_limit="codes",
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 401, 413, 415, 422, 503),
    )
    async def sign_in(
        self, request: Request[Any, Any, Any], data: JSONBody[CodeSignInBody], use_cases: Wired[UseCases]
    ) -> Response[SessionAnswer]:
        """Sign in with a one-time code; the first sign-in creates the account of the candidate."""
        credential, factor = CodeCredential(request=data.request, code=data.code), data.second_factor or ""
        address = address_of(request)
        tokens = await use_cases.identity.sign_in(credential, code=factor, device=data.device, address=address)
        return answer_with_cookie(tokens) if data.cookie else answer_with_tokens(tokens)

    @post(
        "/accounts/{account:uuid}/invitation",
        operation_id="inviteAccount",
        status_code=202,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def invite(self, account: FromPath[UUID], data: JSONBody[LinkBody], use_cases: Wired[UseCases]) -> Invitation:
        """Send the one-time link that sets a password to the address of the account; an earlier link ends."""
        return await use_cases.identity.invite_account(AccountId(account), data.login)
