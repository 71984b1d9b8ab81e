"""The upper limit of HTTP: `bursar serve` with every layer above a use case that neither prices nor stores.

python -m benchmarks.http_alone serve
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.fees.exam_fee import ExamFee, TimelineEntry
from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext
from entrypoints.__main__ import open_runtime
from entrypoints.cli.runtime import Runtime
from entrypoints.contexts import create_bursar
from tests.examples import a_submission

PREPARED, _ = a_submission()
SHOWN = ExamFee.of(
    PREPARED,
    PREPARED.registration,
    [TimelineEntry(at=PREPARED.submitted_at, what="stored", detail="FeeSubmitted")],
)


async def answer(_wish: ExamFeeSubmission, _request: RequestContext) -> Submission:
    """Return the same submission for every request."""
    return PREPARED


async def show(_name: str) -> ExamFee:
    """Return the same exam fee for every name."""
    return SHOWN


@asynccontextmanager
async def open_without_storing(path: Path | None, changes: Mapping[str, Any]) -> AsyncIterator[Runtime]:
    """Open the configured runtime with the stub use cases."""
    async with open_runtime(path, changes) as runtime:
        fees: Any = replace(runtime.use_cases.fees, submit_exam_fee=answer, show_exam_fee=show)  # type: ignore[arg-type]
        runtime.use_cases.fees = fees
        yield runtime


if __name__ == "__main__":
    create_bursar(open_without_storing)()
