"""Adjustments over HTTP: what a corrected tariff proposes, and the decisions about it."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.kernel.decisions import Choice, Why
from core.kernel.errors import CoreError, problem_type
from core.payments.adjustment import AdjustmentState
from core.payments.list_adjustments import AdjustmentPage, AdjustmentView
from core.use_cases import UseCases
from entrypoints.http.decisions import ApprovalBody
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit

MAX_DECISIONS_PER_REQUEST = 200


class BulkApprovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One decision of the caller about many adjustments, and its reason."""

    adjustments: Annotated[tuple[UUID, ...], msgspec.Meta(min_length=1, max_length=MAX_DECISIONS_PER_REQUEST)]
    decision: Choice
    why: Why


class RefusedDecision(msgspec.Struct, frozen=True):
    """An adjustment that stays as it is."""

    adjustment: UUID
    problem: str
    detail: str


class BulkApprovalReport(msgspec.Struct, frozen=True):
    """What became of each adjustment."""

    decided: Sequence[AdjustmentView]
    refused: Sequence[RefusedDecision]


class AdjustmentsController(Controller):
    """Demands and refunds of a corrected tariff."""

    path = "/v1/adjustments"
    tags = ("Payments",)

    @get("/", operation_id="listAdjustments", responses=problems(400, 503))
    async def list_of_state(
        self,
        use_cases: Wired[UseCases],
        state_: Annotated[AdjustmentState, QueryParameter(name="state")] = AdjustmentState.OPEN,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> AdjustmentPage:
        """List adjustments of one state, in the order of their ids; `open` ones need a decision."""
        return await use_cases.payments.list_adjustments(state_, after, limit)

    @post(
        "/{adjustment:uuid}/decision",
        operation_id="decideAdjustment",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def decide(
        self, adjustment: FromPath[UUID], data: JSONBody[ApprovalBody], use_cases: Wired[UseCases]
    ) -> AdjustmentView:
        """Approve or refuse what a corrected tariff proposes, as another person than the one who asked for it."""
        outcomes = await use_cases.payments.decide_adjustments([adjustment], data.decision, data.why)
        if isinstance(outcome := outcomes[adjustment], CoreError):
            raise outcome
        return outcome

    @post(
        "/decisions",
        operation_id="decideAdjustments",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 413, 415, 422, 503),
    )
    async def decide_many(self, data: JSONBody[BulkApprovalBody], use_cases: Wired[UseCases]) -> BulkApprovalReport:
        """Take one decision about many; a refusal of one stops no other."""
        outcomes = await use_cases.payments.decide_adjustments(data.adjustments, data.decision, data.why)
        return BulkApprovalReport(
            [each for each in outcomes.values() if isinstance(each, AdjustmentView)],
            [
                RefusedDecision(adjustment, problem_type(type(each)), str(each))
                for adjustment, each in outcomes.items()
                if isinstance(each, CoreError)
            ],
        )
