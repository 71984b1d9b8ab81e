"""Logs and times use cases from the outside."""

import time
from functools import cache, wraps
from typing import Any, TypeVar

import structlog
from prometheus_client import Histogram

from core.kernel.errors import CoreError, error_name

log = structlog.get_logger()
U = TypeVar("U")

USE_CASE_SECONDS = Histogram("bursar_use_case_seconds", "Time of use cases", ["use_case", "outcome"])


@cache
def instrumented(use_case: type[U]) -> type[U]:
    """Return a subclass of a use case whose calls are logged and timed; it takes the same arguments."""
    call: Any = use_case.__call__
    name = use_case.__name__

    @wraps(call)
    async def timed_call(self: U, *arguments: Any, **named: Any) -> Any:
        began, outcome = time.perf_counter(), "done"
        try:
            return await call(self, *arguments, **named)
        except CoreError as refusal:
            outcome = error_name(refusal)
            log.info("use_case_refused", use_case=name, problem=outcome)
            raise
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            USE_CASE_SECONDS.labels(name, outcome).observe(time.perf_counter() - began)

    members = {"__call__": timed_call, "__slots__": (), "__doc__": use_case.__doc__, "__module__": use_case.__module__}
    return type(name, (use_case,), members)
