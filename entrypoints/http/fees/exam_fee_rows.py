"""The rows of an upload of exam fees, and their outcomes."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from core.fees.submission import Submission, SubmissionId
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.errors import CoreError
from core.kernel.idempotency import RequestContext
from core.kernel.money import Money
from core.kernel.registration import registration_key
from core.kernel.text import encoding_fault, is_utf16
from entrypoints.http.idempotency import KEY
from entrypoints.http.ndjson import MAX_LINE_BYTES, NdjsonLine
from entrypoints.http.problems import STATUS_TITLES, Problem, decoding_problem
from entrypoints.strict_decoding import convert, parse, refuse_repeated_fields

TOO_LONG = Problem(
    type="about:blank", title=STATUS_TITLES[413], status=413, detail=f"a line has at most {MAX_LINE_BYTES // 1024} KiB"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExamFeeRow(ExamFeeSubmission):
    """An exam fee in a file of many."""

    key: Annotated[str, KEY]
    intent: str | None = None
    """The `Submission-Intent` from the `facts` of a 503 of this row: its first arrival decides about deadlines."""

    def __post_init__(self) -> None:
        ExamFeeSubmission.__post_init__(self)
        KEY.check("key", self.key)


class Receipt(msgspec.Struct, frozen=True):
    """The reference and the amount of a submission; `GET /v1/exam-fees/{id}` shows the rest."""

    id: SubmissionId
    reference: str
    registration: str
    schedule: str
    total: Money
    pay_by: datetime | None
    received_at: datetime


class RowOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of a row."""

    line: int
    key: str | None = None
    status: int
    """The status that `POST /v1/exam-fees` would return."""
    submission: Receipt | None = None
    replayed: bool = False
    """Whether an earlier request with the same key stored the submission."""
    problem: Problem | None = None
    retry_after: int | None = None
    """Seconds after which the row can be sent again."""


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A line that was parsed."""

    line: NdjsonLine
    fee: ExamFeeRow

    def request(self, scope: str) -> RequestContext:
        """Return the idempotent request of the row; its fingerprint does not depend on the JSON formatting."""
        content = (self.fee.schedule, self.fee.registration, self.fee.papers, self.fee.practicals)
        fingerprint = sha256(msgspec.json.encode(content)).digest()
        return RequestContext(arrived=self.line.arrived, scope=scope, key=self.fee.key, fingerprint=fingerprint)

    def conflict_keys(self) -> set[tuple[str, str]]:
        """Return the keys that no two rows in flight share: the idempotency key, and the candidate of a schedule."""
        candidate = registration_key(self.fee.registration) or self.fee.registration
        return {("key", self.fee.key), (self.fee.schedule, candidate)}

    def outcome(self, status: int, **more: Any) -> RowOutcome:
        """Return the outcome of this row."""
        return RowOutcome(line=self.line.number, key=self.fee.key, status=status, **more)


def receipt(submission: Submission | bytes) -> Receipt:
    """Return the receipt of a submission, or of its stored answer."""
    if isinstance(submission, bytes):
        return msgspec.json.decode(submission, type=Receipt)
    return Receipt(*(getattr(submission, name) for name in Receipt.__struct_fields__))


def parse_row(line: NdjsonLine) -> ParsedRow | RowOutcome:
    """Parse a line, or return the outcome of one that cannot be parsed."""
    if len(line.text) > MAX_LINE_BYTES:
        return RowOutcome(line=line.number, status=TOO_LONG.status, problem=TOO_LONG)
    given: Any = None
    try:
        given = parse(line.text)
        refuse_repeated_fields(line.text, given)
        return ParsedRow(line, convert(given, ExamFeeRow))
    except (CoreError, msgspec.MsgspecError) as error:
        key = given.get("key") if isinstance(given, dict) else None
        problem = decoding_problem(error)
        if given is None and (cause := unreadable_because(line)):
            problem = replace(problem, detail=cause)
    named = KEY.admits(key)
    return RowOutcome(line=line.number, key=key if named else None, status=problem.status, problem=problem)


def unreadable_because(line: NdjsonLine) -> str | None:
    """Return the cause of a line that is not JSON, if it lies in the encoding or the line ends of the file."""
    if line.number == 1 and is_utf16(line.text):
        return f"the body {encoding_fault(line.text, 0)}"
    if b"\r" in line.text.strip():
        return "a line ends with LF or CR LF; this one contains a CR alone"
    return None
