"""What one submission costs between its request and the commit, in counts that do not depend on the machine."""

import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import FrameType

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.asyncio import AsyncConnection

from adapters.encoding import MsgspecScheduleFormat
from adapters.memory.engine.database import MemoryDatabase
from adapters.memory.fees.schedules_and_submissions import MemoryTariffs
from adapters.memory.students.roster import MemoryCandidates
from adapters.sql.engine.group_commit import combined_rows
from adapters.sql.engine.inserts import Row, Rows, compile_insert
from adapters.sql.engine.transactions import Scope
from adapters.sql.fees.schedules_and_submissions import document_of
from adapters.sql.fees.unit_of_work import SqlFeesUnitOfWork
from adapters.sql.schema import metadata
from core.fees.quote import QuoteLine
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission, SubmitExamFee
from core.kernel.batching import PendingItem
from core.kernel.money import Money
from core.kernel.own_writes import Position
from core.kernel.trace import Trace, tracing
from core.kernel.unit_of_work import Transaction
from tests.examples import StoppedClock, a_request, a_schedule, a_student, a_submission, ids
from tests.units_of_work import memory_work

SUBMISSIONS, MYSQL = 8, mysql.dialect()
MAX_PYTHON_CALLS, MAX_BYTES = 97, 2_186
"""The present cost of a submission, on Python 3.11; later versions count no call for a comprehension."""


class Keeping(Scope, Transaction):
    """Keeps the rows instead of storing them."""

    def __init__(self) -> None:
        self.pending: list[PendingItem[Rows, Position]] = []

    async def connect(self) -> AsyncConnection:
        raise NotImplementedError("a submission only inserts")

    async def commit(self, rows: Rows, signals: Collection[str]) -> None:
        self.pending.append(PendingItem(rows))

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Scope]:
        yield self


class Office:
    """Submits exam fees, and converts their rows to the values of a driver."""

    def __init__(self) -> None:
        self.kept, self.store = Keeping(), MemoryDatabase()
        tariffs, candidates = MemoryTariffs(self.store), MemoryCandidates(self.store)
        self.submit = SubmitExamFee(self.new_work, tariffs, candidates, StoppedClock(), ids)

    def new_work(self, *, within: Transaction | None = None) -> SqlFeesUnitOfWork:
        return SqlFeesUnitOfWork(self.kept, MsgspecScheduleFormat(), StoppedClock(), ids, within)

    async def open(self) -> None:
        async with memory_work(self.store, StoppedClock(), ids) as work:
            work.schedules.add(a_schedule(), StoppedClock().now())
            for number in range(SUBMISSIONS):
                work.students.add(a_student(number))
            await work.commit()

    async def submit_all(self) -> Sequence[Submission]:
        trace = Trace("0af7651916cd43dd8448eb211c80319c", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
        with tracing(trace):
            return [await self.submit(fee(number), a_request(f"key-{number}")) for number in range(SUBMISSIONS)]

    def values(self) -> list[object]:
        rows = combined_rows(self.kept.pending)
        self.kept.pending.clear()
        return [value for name, some in rows.items() for value in parameters(name, some)]


def fee(number: int) -> ExamFeeSubmission:
    return ExamFeeSubmission(schedule="sahyadri-test", registration=f"T-{number}", papers=("041", "042"))


def parameters(table: str, rows: Sequence[Row]) -> tuple[object, ...]:
    return compile_insert(metadata.tables[table], tuple(rows[0]), len(rows), MYSQL).parameters(rows)


async def test_a_submission_takes_no_more_calls_and_bytes_than_it_did() -> None:
    office, calls = Office(), Counter[str]()
    await office.open()
    await office.submit_all()
    office.values()

    def note(_frame: FrameType, what: str, _argument: object) -> None:
        calls[what] += 1

    before = sys.getprofile()
    gc.collect()
    gc.disable()  # a collection calls what other tests have left behind
    sys.setprofile(note)
    try:
        await office.submit_all()
        values = office.values()
    finally:
        sys.setprofile(before)
        gc.enable()

    size = sum(len(value if isinstance(value, bytes) else str(value).encode()) for value in values)
    assert calls["call"] / SUBMISSIONS <= MAX_PYTHON_CALLS
    assert size / SUBMISSIONS <= MAX_BYTES


texts = st.text(max_size=20) | st.sampled_from(['"registration":"T-1"', '\\"registration":"T-1"', '","registration":"'])


@given(texts, texts, st.sampled_from(["T-1", "", "A (1)/&.b"]))
def test_the_document_of_a_submission_lacks_its_registration_and_nothing_else(
    head: str, why: str, registration: str
) -> None:
    line = QuoteLine(head, why, Money(1, "INR"))
    submission = replace(a_submission()[0], registration=registration, lines=(line,), papers=(head, why), schedule=why)

    stored = msgspec.json.decode(document_of(submission), type=Submission)

    assert stored == replace(submission, registration="")
    assert document_of(submission).encode() == msgspec.json.encode(stored)
