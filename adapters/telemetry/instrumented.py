"""Logs and counts around use cases, so that there are none inside them."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from prometheus_client import Histogram

from core.kernel.errors import CoreError, reason

log = structlog.get_logger()


USE_CASE_SECONDS = Histogram("bursar_use_case_seconds", "Time of use cases", ["use_case", "outcome"])


def instrumented(use_case: Callable[..., Any], /, **ports: Any) -> Callable[..., Awaitable[Any]]:
    """Build a use case from its ports, and return it counted and timed."""
    call: Callable[..., Awaitable[Any]] = use_case(**ports)
    name = use_case.__name__

    async def observing(*arguments: Any) -> Any:
        began, outcome = time.perf_counter(), "done"
        try:
            return await call(*arguments)
        except CoreError as refusal:
            outcome = reason(refusal)
            log.info("refused", use_case=name, problem=outcome)
            raise
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            USE_CASE_SECONDS.labels(name, outcome).observe(time.perf_counter() - began)

    return observing
