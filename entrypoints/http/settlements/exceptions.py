"""Exceptions of settlement files over HTTP."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.kernel.decisions import Why
from core.settlements.list_exceptions import ExceptionPage, ExceptionView
from core.settlements.settle_exception import ExceptionVerdict
from core.settlements.settlement_line import ExceptionKind, ExceptionState
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class ExceptionSettlementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision of the caller about an exception, and its reason."""

    decision: ExceptionVerdict
    """`accept` posts it as the gateway tells it."""
    why: Why


class SettlementExceptionsController(Controller):
    """Lists what settlement files and the office tell differently, and takes decisions."""

    path = "/v1/settlement-exceptions"
    tags = ("Settlements",)

    @get("/", operation_id="listSettlementExceptions", responses=problems(400, 503))
    async def list_of_state(
        self,
        use_cases: Wired[UseCases],
        state_: Annotated[ExceptionState, QueryParameter(name="state")] = ExceptionState.OPEN,
        kind: Annotated[ExceptionKind | None, QueryParameter(description="Only of this kind")] = None,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ExceptionPage:
        """List the exceptions of one state, in the order of their ids; `open` ones need a decision."""
        return await use_cases.settlements.list_exceptions(state_, kind, after, limit)

    @post(
        "/{exception:uuid}/settlement",
        operation_id="settleSettlementException",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def settle(
        self, exception: FromPath[UUID], data: JSONBody[ExceptionSettlementBody], use_cases: Wired[UseCases]
    ) -> ExceptionView:
        """Post an exception as the gateway tells it, or dismiss it; a second decision is refused."""
        return await use_cases.settlements.settle_exception(exception, data.decision, data.why)
