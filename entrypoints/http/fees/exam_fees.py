"""Exam fees over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.fees.exam_fee import ExamFee, ExamFeePage
from core.fees.quote import Quote
from core.fees.submission import Submission, SubmissionId
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired, arrival, wired_in
from entrypoints.http.idempotency import IDEMPOTENCY_KEY, Idempotency
from entrypoints.http.media_types import json_only
from entrypoints.http.middleware.admission import MAX_SUBMISSION_BYTES
from entrypoints.http.middleware.direct_call import DirectCall
from entrypoints.http.middleware.encoded_slashes import from_segment
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit
from entrypoints.http.sent_headers import sent
from entrypoints.http.strict_json import EncodedJson
from entrypoints.http.submission_intents import RAW_INTENT_HEADER, SUBMISSION_INTENT


class ExamFeesController(Controller):
    """Quote, submit and show exam fees."""

    path = "/v1"
    tags = ("Exam fees",)

    @post(
        "/quotes",
        operation_id="quoteExamFee",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def quote(
        self, request: Request[Any, Any, Any], data: JSONBody[ExamFeeSubmission], use_cases: Wired[UseCases]
    ) -> Quote:
        """Price an exam fee without storing it."""
        return await use_cases.fees.quote_exam_fee(data, RequestContext(arrived=arrival(request)))

    @post(
        "/exam-fees",
        operation_id="submitExamFee",
        middleware=[DirectCall],
        rate_limit="submissions",
        before_request=json_only,
        request_max_body_size=MAX_SUBMISSION_BYTES,
        sent_headers=(IDEMPOTENCY_KEY, SUBMISSION_INTENT),
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def submit(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[ExamFeeSubmission],
    ) -> Response[Submission]:
        """Submit an exam fee; a repeated request with the same key and body gets the same answer."""
        use_cases: UseCases = wired_in(request, "use_cases")
        idempotency: Idempotency = wired_in(request, "idempotency")
        context = await idempotency.context(request, sent(request.scope, RAW_INTENT_HEADER))
        return await idempotency.respond(context, use_cases.fees.submit_exam_fee(data, context))

    @get(
        "/exam-fees/{name:str}",
        operation_id="showExamFee",
        middleware=[DirectCall],
        responses=problems(400, 404, 503),
    )
    async def show(self, request: Request[Any, Any, Any], name: FromPath[str]) -> Response[ExamFee]:
        """Show an exam fee with its timeline, by id or reference."""
        use_cases: UseCases = wired_in(request, "use_cases")
        return EncodedJson(msgspec.json.encode(await use_cases.fees.show_exam_fee(name)))

    @get("/students/{registration:str}/exam-fees", operation_id="listExamFees", responses=problems(400, 404, 503))
    async def list_of_student(
        self,
        registration: FromPath[str],
        use_cases: Wired[UseCases],
        after: Annotated[SubmissionId | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ExamFeePage:
        """List the exam fees of a candidate, the newest first."""
        return await use_cases.fees.list_exam_fees(from_segment(registration), after, limit)
