"""Exam fees of a whole school over HTTP, a row a line."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from litestar import Request, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.response.base import ASGIResponse
from msgspec.structs import replace

from core.fees.submission import Submission
from core.fees.submit_exam_fee import SubmitExamFee
from core.kernel.errors import CoreError, Unavailable
from core.kernel.idempotency import Answers, once
from entrypoints.http import docs
from entrypoints.http.dependencies import Wired
from entrypoints.http.fees.exam_fee_rows import ParsedRow, RowOutcome, read, receipt
from entrypoints.http.media_types import json_lines_only
from entrypoints.http.ndjson import StreamedResponse, lines
from entrypoints.http.problems import INTERNAL_ERROR, as_problem, problems, retry_after
from entrypoints.http.submission_intents import IntentSigner, InvalidIntent

log = structlog.get_logger()
BATCH_PATH = "/v1/exam-fees:batch"
IDEMPOTENCY_SCOPE = f"POST {BATCH_PATH}"
MAX_ROWS_IN_FLIGHT = 128
"""Rows of one school that are worked on at a time; while Python is busy with them, single requests wait."""
MAX_CONCURRENT_UPLOADS = 2
"""Schools whose rows are worked on at a time; together they fill one transaction, not the queue in front of it."""
OUTCOMES_RESPONSE = ResponseSpec(
    RowOutcome,
    description="What became of each row, a line each, in their order, while rows are still read",
    media_type=docs.NDJSON_MEDIA_TYPE,
    generate_examples=False,
)


@post(
    BATCH_PATH,
    status_code=200,
    before_request=json_lines_only,
    operation_class=docs.NdjsonBodyOperation,
    request_max_body_size=None,  # it is read as a stream, and each line is bounded
    responses={200: OUTCOMES_RESPONSE, **problems(400, 415, 503)},
    tags=["Exam fees"],
)
async def submit_rows(request: Request[Any, Any, Any], submit_exam_fee: Wired[SubmitExamFee]) -> ASGIResponse:
    """Submit any number of exam fees and hear of each; the same rows again do what is missing, and tell of the rest."""
    state = request.app.state
    submitter = RowSubmitter(submit_exam_fee, state.answers, state.intent_signer, state.upload_slots)
    told = outcomes(request, submitter)
    return StreamedResponse(await anext(told, b""), told, docs.NDJSON_MEDIA_TYPE)


async def outcomes(request: Request[Any, Any, Any], submitter: "RowSubmitter") -> AsyncGenerator[bytes, None]:
    """Return what became of rows as they come in, in their order; nothing is tried while we know that it is in vain."""
    encoder, now = msgspec.json.Encoder(), asyncio.get_running_loop().time
    outage, until = None, 0.0
    async for some in lines(request):
        for group in group_rows(map(read, some)):
            if outage and now() < until:
                told: Sequence[RowOutcome] = [submitter.fail_fast(row, outage) for row in group]
            else:
                told = await submitter(group)
                outage = told[-1] if len(told) > 1 and all(each.status == 503 for each in told) else None
                until = now() + ((outage and outage.retry_after) or 0)
            yield encoder.encode_lines(told)


def group_rows(rows: Iterable[ParsedRow | RowOutcome]) -> Iterator[Sequence[ParsedRow | RowOutcome]]:
    """Put rows together that may be worked on at the same time; one that wants what another wants has to come later."""
    group, wanted = list[ParsedRow | RowOutcome](), set[tuple[str, str]]()
    for row in rows:
        wants = row.wants() if isinstance(row, ParsedRow) else set()
        if len(group) == MAX_ROWS_IN_FLIGHT or wants & wanted:
            yield group
            group, wanted = [], set()
        group.append(row)
        wanted |= wants
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class RowSubmitter:
    """Where rows are worked on."""

    submit_exam_fee: SubmitExamFee
    answers: Answers
    intent_signer: IntentSigner
    upload_slots: asyncio.Semaphore

    async def __call__(self, group: Sequence[ParsedRow | RowOutcome]) -> Sequence[RowOutcome]:
        """Return what became of rows."""
        async with self.upload_slots:
            return await asyncio.gather(*(self._submit(row) for row in group))

    def fail_fast(self, row: ParsedRow | RowOutcome, outage: RowOutcome) -> RowOutcome:
        """Tell of a row what was told of another, and sign when it came."""
        if isinstance(row, RowOutcome):
            return row
        problem = outage.problem and replace(outage.problem, facts=self._signed_intent(row) or None)
        return row.outcome(outage.status, problem=problem, retry_after=outage.retry_after)

    async def _submit(self, row: ParsedRow | RowOutcome) -> RowOutcome:
        if isinstance(row, RowOutcome):
            return row
        request = row.request(IDEMPOTENCY_SCOPE)
        try:
            # Looked up first, other than for a single request: a file that is sent again is mostly known.
            result: Submission | bytes | None = await self.answers.to(request)
            if result is None:
                request = self.intent_signer.verify(row.fee.intent, request)
                result = await once(self.answers, request, lambda: self.submit_exam_fee(row.fee.command(), request))
        except CoreError as error:
            problem = as_problem(error, **(self._signed_intent(row) if isinstance(error, Unavailable) else {}))
            return row.outcome(problem.status, problem=problem, retry_after=retry_after(error))
        except Exception as error:
            log.error("defect", method="POST", path=BATCH_PATH, exc_info=error)
            return row.outcome(INTERNAL_ERROR.status, problem=INTERNAL_ERROR)
        return row.outcome(201, submission=receipt(result), replayed=isinstance(result, bytes))

    def _signed_intent(self, row: ParsedRow) -> dict[str, str]:
        """Sign when a row first came; one that came with what we did not sign is told so when it is tried."""
        try:
            return self.intent_signer.of(self.intent_signer.verify(row.fee.intent, row.request(IDEMPOTENCY_SCOPE)))
        except InvalidIntent:
            return {}
