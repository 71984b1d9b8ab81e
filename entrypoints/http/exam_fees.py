"""Exam fees over HTTP."""

from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.fees.choice import Choice
from core.fees.exam_fee import ExamFee, Page
from core.fees.list_exam_fees import ListExamFees
from core.fees.quote import Quote
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submission import Submission, SubmissionId
from core.fees.submit_exam_fee import ExamFeeSubmission, SubmitExamFee
from core.shared.errors import Invalid
from core.shared.requests import Request as Wish
from entrypoints.http.admission import LARGEST_BODY
from entrypoints.http.dependencies import Wired
from entrypoints.http.idempotency import IdempotencyKey, answered_once
from entrypoints.http.intents import SubmissionIntent
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems


class ExamFeeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A candidate asks to sit an exam."""

    schedule: str
    registration: str
    papers: tuple[str, ...] = ()
    practicals: tuple[str, ...] = ()

    def wish(self) -> ExamFeeSubmission:
        """Return what the core calls it."""
        choice = Choice(papers=self.papers, practicals=self.practicals)
        return ExamFeeSubmission(schedule=self.schedule, registration=self.registration, choice=choice)


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
        return await quote_exam_fee(data.wish(), Wish(arrived=arrived))

    @post(
        "/exam-fees",
        before_request=json_only,
        request_max_body_size=LARGEST_BODY,
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
        return await answered_once(
            request, idempotency_key, lambda wish: submit_exam_fee(data.wish(), wish), submission_intent
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
    ) -> Page:
        """List the exam fees of a candidate, the latest first."""
        return await list_exam_fees(registration, as_id(after), limit)


def as_id(text: str | None) -> SubmissionId | None:
    """Read where a page begins."""
    try:
        return msgspec.convert(text, SubmissionId | None)
    except msgspec.ValidationError as error:
        raise Invalid("`after` is the `next` of another page", at="$.after") from error
