"""Exam fees over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.fees.exam_fee import ExamFee, ExamFeePage
from core.fees.list_exam_fees import ListExamFees
from core.fees.paper_selection import PaperSelection
from core.fees.quote import Quote
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submission import Submission, SubmissionId
from core.fees.submit_exam_fee import ExamFeeSubmission, SubmitExamFee
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IdempotencyKey, respond_idempotently
from entrypoints.http.media_types import json_only
from entrypoints.http.middleware.admission import MAX_SUBMISSION_BYTES
from entrypoints.http.problems import problems
from entrypoints.http.submission_intents import SubmissionIntent


class ExamFeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate asks to sit an exam."""

    schedule: str
    registration: str
    papers: tuple[str, ...] = ()
    practicals: tuple[str, ...] = ()

    def command(self) -> ExamFeeSubmission:
        """Return what the core calls it."""
        selection = PaperSelection(papers=self.papers, practicals=self.practicals)
        return ExamFeeSubmission(schedule=self.schedule, registration=self.registration, selection=selection)


class ExamFeesController(Controller):
    """Quote, submit and show exam fees."""

    path = "/v1"
    tags = ("Exam fees",)

    @post("/quotes", status_code=200, before_request=json_only, responses=problems(400, 404, 409, 413, 415, 503))
    async def quote(
        self, request: Request[Any, Any, Any], data: JSONBody[ExamFeeBody], quote_exam_fee: Wired[QuoteExamFee]
    ) -> Quote:
        """Price an exam fee, line by line; nothing is stored."""
        arrived = request.scope["arrived"]  # type: ignore[typeddict-item]
        return await quote_exam_fee(data.command(), RequestContext(arrived=arrived))

    @post(
        "/exam-fees",
        before_request=json_only,
        request_max_body_size=MAX_SUBMISSION_BYTES,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def submit(
        self,
        request: Request[Any, Any, Any],
        data: JSONBody[ExamFeeBody],
        idempotency_key: IdempotencyKey,
        submit_exam_fee: Wired[SubmitExamFee],
        submission_intent: SubmissionIntent = None,
    ) -> Response[Submission]:
        """Submit an exam fee; the same key and body again get the same answer."""
        return await respond_idempotently(
            request, idempotency_key, lambda command: submit_exam_fee(data.command(), command), submission_intent
        )

    @get("/exam-fees/{name:str}", responses=problems(400, 404, 503))
    async def show(self, name: FromPath[str], show_exam_fee: Wired[ShowExamFee]) -> ExamFee:
        """Show an exam fee, by id or reference, with its timeline."""
        return await show_exam_fee(name)

    @get("/students/{registration:str}/exam-fees", responses=problems(400, 404, 503))
    async def list_of_student(
        self,
        registration: FromPath[str],
        list_exam_fees: Wired[ListExamFees],
        after: Annotated[str | None, QueryParameter(description="`next` of the page before")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=100)] = 20,
    ) -> ExamFeePage:
        """List the exam fees of a candidate, the latest first."""
        return await list_exam_fees(registration, as_id(after), limit)


def as_id(text: str | None) -> SubmissionId | None:
    """Read where a page begins."""
    try:
        return msgspec.convert(text, SubmissionId | None)
    except msgspec.ValidationError as error:
        raise Invalid("`after` is the `next` of another page", at="$.after") from error
