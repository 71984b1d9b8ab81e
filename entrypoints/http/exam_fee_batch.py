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
from core.shared.errors import CoreError, Unavailable
from core.shared.requests import Answers, once
from entrypoints.http import docs
from entrypoints.http.dependencies import Wired
from entrypoints.http.exam_fee_rows import Outcome, Row, read, receipt
from entrypoints.http.intents import Intents, InvalidIntent
from entrypoints.http.lines import Streamed, lines
from entrypoints.http.media_types import json_lines_only
from entrypoints.http.problems import DEFECT, as_problem, problems, retry_after

log = structlog.get_logger()
PATH = "/v1/exam-fees:batch"
SCOPE = f"POST {PATH}"
TOGETHER = 128
"""Rows of one school that are worked on at a time; while Python is busy with them, single requests wait."""
PLACES = 2
"""Schools whose rows are worked on at a time; together they fill one transaction, not the queue in front of it."""
TOLD = ResponseSpec(
    Outcome,
    description="What became of each row, a line each, in their order, while rows are still read",
    media_type=docs.ROWS,
    generate_examples=False,
)


@post(
    PATH,
    status_code=200,
    before_request=json_lines_only,
    operation_class=docs.TakesRows,
    request_max_body_size=None,  # it is read as a stream, and each line is bounded
    responses={200: TOLD, **problems(400, 415, 503)},
    tags=["Exam fees"],
)
async def submit_rows(request: Request[Any, Any, Any], submit_exam_fee: Wired[SubmitExamFee]) -> ASGIResponse:
    """Submit any number of exam fees and hear of each; the same rows again do what is missing, and tell of the rest."""
    state = request.app.state
    desk = Desk(submit_exam_fee, state.answers, state.intents, state.places)
    told = outcomes(request, desk)
    return Streamed(await anext(told, b""), told, docs.ROWS)


async def outcomes(request: Request[Any, Any, Any], desk: "Desk") -> AsyncGenerator[bytes, None]:
    """Return what became of rows as they come in, in their order; nothing is tried while we know that it is in vain."""
    encoder, now = msgspec.json.Encoder(), asyncio.get_running_loop().time
    outage, until = None, 0.0
    async for some in lines(request):
        for group in groups(map(read, some)):
            if outage and now() < until:
                told: Sequence[Outcome] = [desk.turn_away(row, outage) for row in group]
            else:
                told = await desk(group)
                outage = told[-1] if len(told) > 1 and all(each.status == 503 for each in told) else None
                until = now() + ((outage and outage.retry_after) or 0)
            yield encoder.encode_lines(told)


def groups(rows: Iterable[Row | Outcome]) -> Iterator[Sequence[Row | Outcome]]:
    """Put rows together that may be worked on at the same time; one that wants what another wants has to come later."""
    group, wanted = list[Row | Outcome](), set[tuple[str, str]]()
    for row in rows:
        wants = row.wants() if isinstance(row, Row) else set()
        if len(group) == TOGETHER or wants & wanted:
            yield group
            group, wanted = [], set()
        group.append(row)
        wanted |= wants
    if group:
        yield group


@dataclass(frozen=True, slots=True)
class Desk:
    """Where rows are worked on."""

    submit_exam_fee: SubmitExamFee
    answers: Answers
    intents: Intents
    places: asyncio.Semaphore

    async def __call__(self, group: Sequence[Row | Outcome]) -> Sequence[Outcome]:
        """Return what became of rows."""
        async with self.places:
            return await asyncio.gather(*(self._submit(row) for row in group))

    def turn_away(self, row: Row | Outcome, outage: Outcome) -> Outcome:
        """Tell of a row what was told of another, and sign when it came."""
        if isinstance(row, Outcome):
            return row
        problem = outage.problem and replace(outage.problem, facts=self._intent_of(row) or None)
        return row.outcome(outage.status, problem=problem, retry_after=outage.retry_after)

    async def _submit(self, row: Row | Outcome) -> Outcome:
        if isinstance(row, Outcome):
            return row
        request = row.request(SCOPE)
        try:
            # Looked up first, other than for a single request: a file that is sent again is mostly known.
            result: Submission | bytes | None = await self.answers.to(request)
            if result is None:
                request = self.intents.honour(row.fee.intent, request)
                result = await once(self.answers, request, lambda: self.submit_exam_fee(row.fee.wish(), request))
        except CoreError as error:
            problem = as_problem(error, **(self._intent_of(row) if isinstance(error, Unavailable) else {}))
            return row.outcome(problem.status, problem=problem, retry_after=retry_after(error))
        except Exception as error:
            log.error("defect", method="POST", path=PATH, exc_info=error)
            return row.outcome(DEFECT.status, problem=DEFECT)
        return row.outcome(201, submission=receipt(result), replayed=isinstance(result, bytes))

    def _intent_of(self, row: Row) -> dict[str, str]:
        """Sign when a row first came; one that came with what we did not sign is told so when it is tried."""
        try:
            return self.intents.of(self.intents.honour(row.fee.intent, row.request(SCOPE)))
        except InvalidIntent:
            return {}
