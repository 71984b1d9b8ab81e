"""Rows of many exam fees: what a line says, and what is told of it."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from core.fees.submission import Submission, SubmissionId
from core.kernel.errors import Invalid
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from entrypoints.http.fees.exam_fees import ExamFeeBody
from entrypoints.http.idempotency import KEY_PATTERN
from entrypoints.http.ndjson import MAX_LINE_BYTES, NdjsonLine
from entrypoints.http.problems import STATUS_TITLES, Problem, decoding_problem

TOO_LONG = Problem(
    type="about:blank", title=STATUS_TITLES[413], status=413, detail=f"a line has at most {MAX_LINE_BYTES // 1024} KiB"
)


class ExamFeeRow(ExamFeeBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A candidate asks to sit an exam, in a file of many."""

    key: str
    intent: str | None = None
    """The `Submission-Intent` among the facts of the 503 that this row got: it is judged by when it first arrived."""

    def __post_init__(self) -> None:
        if not KEY_PATTERN.fullmatch(self.key):
            raise Invalid("a key is 1 to 255 visible ASCII characters", at="$.key")


class Receipt(msgspec.Struct, frozen=True):
    """What a school tells its candidate, and has to pay; `GET /v1/exam-fees/{id}` tells the rest."""

    id: SubmissionId
    reference: str
    registration: str
    schedule: str
    total: Money
    pay_by: datetime | None
    received_at: datetime


class RowOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a row."""

    line: int
    key: str | None = None
    status: int
    """The one that `POST /v1/exam-fees` would have."""
    submission: Receipt | None = None
    replayed: bool = False
    """It was stored before, for the same key."""
    problem: Problem | None = None
    retry_after: int | None = None
    """Send the row again after so many seconds."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A line that can be read."""

    line: NdjsonLine
    fee: ExamFeeRow

    def request(self, scope: str) -> RequestContext:
        """Return what makes the row the same as another: what it says, however it is written."""
        said = (self.fee.schedule, self.fee.registration, self.fee.papers, self.fee.practicals)
        fingerprint = sha256(msgspec.json.encode(said)).digest()
        return RequestContext(arrived=self.line.arrived, scope=scope, key=self.fee.key, fingerprint=fingerprint)

    def wants(self) -> set[tuple[str, str]]:
        """Return what only one can have."""
        return {("key", self.fee.key), (self.fee.schedule, self.fee.registration)}

    def outcome(self, status: int, **more: Any) -> RowOutcome:
        """Tell what became of it."""
        return RowOutcome(line=self.line.number, key=self.fee.key, status=status, **more)


def receipt(submission: Submission | bytes) -> Receipt:
    """Write a receipt of a submission, or of the answer it got first."""
    if isinstance(submission, bytes):
        return msgspec.json.decode(submission, type=Receipt)
    return Receipt(*(getattr(submission, name) for name in Receipt.__struct_fields__))


def read(line: NdjsonLine) -> ParsedRow | RowOutcome:
    """Return what a line says, or why it cannot be read."""
    if len(line.text) > MAX_LINE_BYTES:
        return RowOutcome(line=line.number, status=TOO_LONG.status, problem=TOO_LONG)
    given: Any = None
    try:
        given = msgspec.json.decode(line.text)
        return ParsedRow(line, msgspec.convert(given, ExamFeeRow))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        key = given.get("key") if isinstance(given, dict) else None
        problem = decoding_problem(error)
    named = isinstance(key, str) and KEY_PATTERN.fullmatch(key)
    return RowOutcome(line=line.number, key=key if named else None, status=problem.status, problem=problem)
