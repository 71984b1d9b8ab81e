"""`POST /v1/exam-fees:batch`: many exam fees in one request, one JSON object per line."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog
from litestar import Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from msgspec.structs import replace

from core.fees.submission import Submission
from core.fees.submit_exam_fee import SubmitExamFee
from core.kernel.authorization import Permission
from core.kernel.errors import CoreError, Unavailable
from core.kernel.idempotency import Answers, execute_once
from core.kernel.rate_limit import RateLimited, Verdict
from entrypoints.http.dependencies import Wired
from entrypoints.http.fees.exam_fee_rows import ExamFeeRow, ParsedRow, RowOutcome, parse_row, receipt
from entrypoints.http.idempotency import scope_of
from entrypoints.http.media_types import NDJSON_MEDIA_TYPE, json_lines_only, lines_of
from entrypoints.http.middleware.rate_limiting import QUOTA, Quota
from entrypoints.http.ndjson import MAX_LINE_BYTES, StreamedResponse, read_lines
from entrypoints.http.problems import INTERNAL_ERROR, as_problem, problems, retry_after
from entrypoints.http.submission_intents import IntentSigner, InvalidIntent

log = structlog.get_logger()
BATCH_PATH = "/v1/exam-fees:batch"
ROUTE = f"POST {BATCH_PATH}"
MAX_ROWS_IN_FLIGHT = 128
"""Rows of one upload in flight; while the process works on them, single requests wait."""
MAX_CONCURRENT_UPLOADS = 2
"""Uploads whose rows are in flight; together they fill one transaction of group commit, but not its queue."""
ROWS = lines_of(
    "ExamFeeRow",
    "One exam fee per line: the body of `POST /v1/exam-fees`, and its idempotency key as `key`. "
    f"A line has at most {MAX_LINE_BYTES // 1024} KiB; the number of lines is not limited. "
    "`application/jsonl` is another name of the media type.",
)
OUTCOMES = lines_of("RowOutcome", "One line per row with its outcome, in the order of the rows.")
OUTCOMES_RESPONSE = ResponseSpec(
    RowOutcome,
    description="One line per row with its outcome, in the order of the rows, sent while later rows are still read",
    media_type=NDJSON_MEDIA_TYPE,
    generate_examples=False,
)


@post(
    BATCH_PATH,
    operation_id="submitExamFees",
    rate_limit="submissions",
    status_code=200,
    before_request=json_lines_only,
    opt={"line": ExamFeeRow, "body": {NDJSON_MEDIA_TYPE: ROWS}, "answer": OUTCOMES},
    request_max_body_size=None,  # the body is a stream, and each line is limited
    responses={200: OUTCOMES_RESPONSE, **problems(400, 415, 503)},
    tags=["Exam fees"],
)
async def submit_rows(request: Request[Any, Any, Any], row_submitter: Wired["RowSubmitter"]) -> ASGIResponse:
    """Submit any number of exam fees; a repeated request submits the missing rows and repeats the other results."""
    parts = outcomes(request, row_submitter)
    return StreamedResponse(await anext(parts, b""), parts, NDJSON_MEDIA_TYPE)


async def outcomes(request: Request[Any, Any, Any], submitter: "RowSubmitter") -> AsyncGenerator[bytes, None]:
    """Yield the outcomes of rows in their order; during a known outage, rows fail without an attempt.

    Each row counts against the limit of submissions; those beyond it are refused, and can be sent again.
    """
    quota: Quota = request.scope[QUOTA]  # type: ignore[literal-required]
    encoder, now = msgspec.json.Encoder(), asyncio.get_running_loop().time
    outage, until = None, 0.0
    async for received in read_lines(request):
        for group in group_rows(map(parse_row, received)):
            admitted = group[: await quota.take(len(group))]
            if outage and now() < until:
                results: Sequence[RowOutcome] = [submitter.fail_fast(row, outage) for row in admitted]
            else:
                results = await submitter(admitted)
                outage = results[-1] if len(results) > 1 and all(each.status == 503 for each in results) else None
                until = now() + ((outage and outage.retry_after) or 0)
            limited = [over_limit(row, quota.verdict) for row in group[len(admitted) :]]
            yield encoder.encode_lines([*results, *limited])


def over_limit(row: ParsedRow | RowOutcome, verdict: Verdict) -> RowOutcome:
    """Return the outcome of a row beyond the limit of submissions."""
    if isinstance(row, RowOutcome):
        return row
    error = RateLimited.by(verdict)
    return row.outcome(429, problem=as_problem(error), retry_after=retry_after(error))


def group_rows(rows: Iterable[ParsedRow | RowOutcome]) -> Iterator[Sequence[ParsedRow | RowOutcome]]:
    """Group consecutive rows that can be in flight together; a row that conflicts with one of them begins a group."""
    group, taken = list[ParsedRow | RowOutcome](), set[tuple[str, str]]()
    for row in rows:
        keys = row.conflict_keys() if isinstance(row, ParsedRow) else set()
        if len(group) == MAX_ROWS_IN_FLIGHT or keys & taken:
            yield group
            group, taken = [], set()
        group.append(row)
        taken |= keys
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class RowSubmitter:
    """Submits the rows of all uploads of this process."""

    submit_exam_fee: SubmitExamFee
    answers: Answers
    intent_signer: IntentSigner
    upload_slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_CONCURRENT_UPLOADS))

    async def __call__(self, group: Sequence[ParsedRow | RowOutcome]) -> Sequence[RowOutcome]:
        """Submit the rows of a group concurrently, and return their outcomes in order."""
        async with self.upload_slots:
            return await asyncio.gather(*(self._submit(row) for row in group))

    def fail_fast(self, row: ParsedRow | RowOutcome, outage: RowOutcome) -> RowOutcome:
        """Return the outcome of another row for this one, with a signed intent of this one."""
        if isinstance(row, RowOutcome):
            return row
        problem = outage.problem and replace(outage.problem, facts=self._signed_intent(row) or None)
        return row.outcome(outage.status, problem=problem, retry_after=outage.retry_after)

    async def _submit(self, row: ParsedRow | RowOutcome) -> RowOutcome:
        if isinstance(row, RowOutcome):
            return row
        request = row.request(scope_of(ROUTE))
        try:
            # Unlike for a single request, the answer is looked up first: most rows of a repeated file have one.
            may_submit = Permission.SUBMISSIONS_WRITE in request.principal.permissions
            result: Submission | bytes | None = await self.answers.find(request) if may_submit else None
            if result is None:
                request = self.intent_signer.verify(row.fee.intent, request)
                result = await execute_once(self.answers, request, self.submit_exam_fee(row.fee, request))
        except CoreError as error:
            problem = as_problem(error, **(self._signed_intent(row) if isinstance(error, Unavailable) else {}))
            return row.outcome(problem.status, problem=problem, retry_after=retry_after(error))
        except Exception as error:
            log.error("internal_error", method="POST", path=BATCH_PATH, exc_info=error)
            return row.outcome(INTERNAL_ERROR.status, problem=INTERNAL_ERROR)
        return row.outcome(201, submission=receipt(result), replayed=isinstance(result, bytes))

    def _signed_intent(self, row: ParsedRow) -> dict[str, str]:
        """Sign the first arrival of a row; an invalid intent is reported by the next attempt."""
        try:
            return self.intent_signer.sign(self.intent_signer.verify(row.fee.intent, row.request(scope_of(ROUTE))))
        except InvalidIntent:
            return {}
