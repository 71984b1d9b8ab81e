"""The ceiling of HTTP: `bursar serve` with every layer above the use case, which answers without pricing or storing.

python -m benchmarks.http_alone serve
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from core.fees.submission import Submission
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.idempotency import RequestContext
from entrypoints.__main__ import open_runtime
from entrypoints.cli.app import create_cli
from entrypoints.cli.runtime import Runtime
from tests.examples import a_submission

PREPARED, _ = a_submission()


async def answer(_wish: ExamFeeSubmission, _request: RequestContext) -> Submission:
    """Answer everybody alike."""
    return PREPARED


@asynccontextmanager
async def open_without_storing(path: Path | None, changes: Mapping[str, Any]) -> AsyncIterator[Runtime]:
    """Open the office of a configuration, which will not do what it is there for."""
    async with open_runtime(path, changes) as office:
        office.use_cases = {**office.use_cases, "submit_exam_fee": lambda: answer}
        yield office


if __name__ == "__main__":
    create_cli(open_without_storing)()
