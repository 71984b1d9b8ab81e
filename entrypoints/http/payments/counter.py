"""Payments at the counter over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.payments.counter_payment import CounterDeposit, CounterReceipt, CounterState
from core.payments.list_counter_payments import CounterPage
from core.payments.show_payments import PaymentView
from core.use_cases import UseCases
from entrypoints.http.decisions import ApprovalBody, ReasonBody
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit


class CounterController(Controller):
    """Takes payments of clerks, and the decisions of second persons about them."""

    path = "/v1"
    tags = ("Payments",)

    @post(
        "/exam-fees/{name:str}/counter-payments",
        operation_id="takeCounterPayment",
        before_request=json_only,
        sent_headers=(IDEMPOTENCY_KEY,),
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def take(
        self,
        request: Request[Any, Any, Any],
        name: FromPath[str],
        data: JSONBody[CounterDeposit],
        use_cases: Wired[UseCases],
        idempotency: Wired[Idempotency],
    ) -> Response[CounterReceipt]:
        """Take cash, a cheque or a challan for a fee; above a limit it counts when a second person has approved it."""
        context = await idempotency.context(request)
        return await idempotency.respond(context, use_cases.payments.take_counter_payment(name, data, context))

    @get("/counter-payments", operation_id="listCounterPayments", responses=problems(400, 503))
    async def list_of_state(
        self,
        use_cases: Wired[UseCases],
        state_: Annotated[CounterState, QueryParameter(name="state")] = CounterState.WAITING,
        after: Annotated[UUID | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> CounterPage:
        """List counter payments of one state, the oldest first; `waiting` ones need a second person."""
        return await use_cases.payments.list_counter_payments(state_, after, limit)

    @post(
        "/counter-payments/{counter_payment:uuid}/decision",
        operation_id="decideCounterPayment",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def decide(
        self, counter_payment: FromPath[UUID], data: JSONBody[ApprovalBody], use_cases: Wired[UseCases]
    ) -> CounterReceipt:
        """Approve or refuse a waiting counter payment, as another person than the one who took it."""
        return await use_cases.payments.decide_counter_payment(counter_payment, data.decision, data.why)

    @post(
        "/payments/{payment:uuid}/bounce",
        operation_id="bounceCheque",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def bounce(
        self, payment: FromPath[UUID], data: JSONBody[ReasonBody], use_cases: Wired[UseCases]
    ) -> PaymentView:
        """Record that the bank did not pay a cheque: its amount is owed again."""
        return await use_cases.payments.bounce_cheque(payment, data.why)
