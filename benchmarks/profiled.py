"""`bursar serve` with a sampling profiler: the first SIGUSR1 starts it, the second writes the samples.

python -m benchmarks.profiled FILE serve

A timer of processor time samples the stack at each tick.  Time in C belongs to the Python function that called it.
"""

import dis
import json
import linecache
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

SAMPLE_INTERVAL_SECONDS = 0.001
"""Seconds of processor time between samples; some kernels sample at a lower rate, which only reduces the resolution."""
LOOP, JSON = "event loop and sockets (uvloop)", "JSON (msgspec)"
LAYERS = {
    "/uvicorn/": "HTTP protocol (uvicorn, httptools)",
    "/litestar/": "routing, injection, answers (Litestar)",
    "/entrypoints/http/middleware/tracing.py": "trace, log, metrics",
    "/core/kernel/trace.py": "trace, log, metrics",
    "/structlog/": "trace, log, metrics",
    "/prometheus_client/": "trace, log, metrics",
    "/adapters/telemetry/": "trace, log, metrics",
    "/entrypoints/": "our handlers",
    "/config/": "wiring (dependency-injector)",
    "/core/kernel/batching.py": "sharing a transaction or a query",
    "/core/": "pricing and domain",
    "/adapters/sql/engine/group_commit.py": "sharing a transaction or a query",
    "/adapters/sql/engine/transactions.py": "sharing a transaction or a query",
    "/adapters/sql/engine/database.py": "sharing a transaction or a query",
    "/adapters/": "rows of a unit of work",
    "/sqlalchemy/connectors/asyncio.py": "MySQL protocol (asyncmy)",
    "/sqlalchemy/dialects/mysql/asyncmy.py": "MySQL protocol (asyncmy)",
    "/sqlalchemy/util/concurrency.py": "MySQL protocol (asyncmy)",
    "/sqlalchemy/": "statements (SQLAlchemy)",
}
"""The part that each file belongs to; the first match counts, and a file without a match belongs to its caller."""
RESUME = dis.opmap["RESUME"]


class Samples:
    """The number of samples per part and function."""

    def __init__(self, file: Path) -> None:
        self._file, self._seen, self._began = file, Counter[tuple[str, str]](), 0.0

    def toggle(self, _signal: int, _frame: FrameType | None) -> None:
        """Start the profiler, or stop it and write the samples."""
        if self._began:
            signal.setitimer(signal.ITIMER_PROF, 0)
            seconds = time.process_time() - self._began
            seen = [[part, where, count] for (part, where), count in self._seen.items()]
            self._file.write_text(json.dumps({"seconds": seconds, "seen": seen}), encoding="utf-8")
        else:
            self._began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SAMPLE_INTERVAL_SECONDS, SAMPLE_INTERVAL_SECONDS)

    def sample(self, _signal: int, frame: FrameType | None) -> None:
        """Count the present function."""
        self._seen[place(frame)] += 1


def place(frame: FrameType | None) -> tuple[str, str]:
    """Return the part and the function of a frame."""
    stack = list(outwards(frame))
    # Python handles a signal at the start of a function, so the caller consumed the time.
    if stack and stack[0].f_code.co_code[stack[0].f_lasti] == RESUME:
        del stack[0]
    for at, each in enumerate(stack):
        part = next((part for path, part in LAYERS.items() if path in each.f_code.co_filename), None)
        if part:
            line = linecache.getline(each.f_code.co_filename, each.f_lineno or 0)
            return JSON if at == 0 and "msgspec." in line else part, each.f_code.co_qualname
    return LOOP, ""


def outwards(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield a frame and its callers, up to the event loop."""
    while frame and not frame.f_code.co_filename.endswith(("/asyncio/runners.py", "/uvloop/__init__.py")):
        yield frame
        frame = frame.f_back


if __name__ == "__main__":
    from entrypoints.__main__ import main

    samples = Samples(Path(sys.argv.pop(1)))
    signal.signal(signal.SIGUSR1, samples.toggle)
    signal.signal(signal.SIGPROF, samples.sample)
    main()
