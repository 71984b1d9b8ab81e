"""Second factors over HTTP, and the step up within a session."""

import msgspec
from litestar import Controller, delete, post
from litestar.params import JSONBody

from core.identity.second_factor import CODE, Code
from core.identity.second_factors.confirm_second_factor import RecoveryCodes
from core.identity.second_factors.enrol_second_factor import SecondFactorSecret
from core.identity.second_factors.step_up import FreshAccess
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.identity.sessions import NOT_STORED
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems


class CodeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the second factor."""

    code: Code
    """Six digits, or a recovery code."""

    def __post_init__(self) -> None:
        CODE.check("code", self.code)


class SecondFactorsController(Controller):
    """Enrols, confirms, removes and proves the second factor of the caller."""

    path = "/v1"
    tags = ("Second factor",)

    @post(
        "/second-factor",
        operation_id="enrolSecondFactor",
        rate_limit="sign-ins",
        cache_control=NOT_STORED,
        responses=problems(409, 503),
    )
    async def enrol(self, use_cases: Wired[UseCases]) -> SecondFactorSecret:
        """Begin to enrol a second factor, within 15 minutes of a sign-in; its first code confirms it."""
        return await use_cases.identity.enrol_second_factor()

    @post(
        "/second-factor/confirm",
        operation_id="confirmSecondFactor",
        rate_limit="sign-ins",
        status_code=200,
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def confirm(self, data: JSONBody[CodeBody], use_cases: Wired[UseCases]) -> RecoveryCodes:
        """Confirm the second factor with its first code; the other sessions of the account end."""
        return await use_cases.identity.confirm_second_factor(code=data.code)

    @delete(
        "/second-factor",
        operation_id="removeSecondFactor",
        responses=problems(409, 503),
    )
    async def remove(self, use_cases: Wired[UseCases]) -> None:
        """Remove the second factor, after a step up; the other sessions of the account end."""
        await use_cases.identity.remove_second_factor()

    @post(
        "/sessions/step-up",
        operation_id="stepUp",
        rate_limit="sign-ins",
        status_code=200,
        before_request=json_only,
        cache_control=NOT_STORED,
        responses=problems(400, 409, 413, 415, 422, 503),
    )
    async def step_up(self, data: JSONBody[CodeBody], use_cases: Wired[UseCases]) -> FreshAccess:
        """Prove the second factor: the new access token permits for 15 minutes what gives power."""
        return await use_cases.identity.step_up(code=data.code)
