"""Logs and times use cases from the outside, and records what they refuse."""

import asyncio
import time
from functools import cache, wraps
from typing import Any, TypeVar
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram

from core.audit.refusal_log import Fate, RefusalLog
from core.kernel.authorization import NotAuthenticated, NotPermitted
from core.kernel.errors import CoreError, Unavailable, error_name, reported_kind
from core.kernel.idempotency import RequestInProgress, RequestRepeated

log = structlog.get_logger()
U = TypeVar("U")

USE_CASE_SECONDS = Histogram(
    "bursar_use_case_seconds",
    "Time of use cases; `outcome` is done, the problem, Cancelled or Defect",
    ["use_case", "outcome"],
)
REFUSALS = Counter("bursar_audit_refusals", "Refused deeds, by what became of their audit record", ["fate"])
NO_REFUSALS = (Unavailable, RequestRepeated, RequestInProgress)
"""The same request may succeed, or has."""


@cache
def timer(use_case: str, outcome: str) -> Histogram:
    """Return the metric with its labels, whose look-up takes longer than an observation."""
    return USE_CASE_SECONDS.labels(use_case, outcome)


@cache
def instrumented(use_case: type[U]) -> type[U]:
    """Return a subclass of a use case whose calls are logged and timed; it takes the same arguments.

    Its `refusals` are unset until `recording` sets them, also in a copy that joined a transaction: there a refusal
    is an event, and a transaction of its own would wait for the open one.
    """
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
            await record_refusal(self, refusal, arguments)
            raise
        except asyncio.CancelledError:
            outcome = "Cancelled"
            raise
        except BaseException:
            outcome = "Defect"
            raise
        finally:
            timer(name, outcome).observe(time.perf_counter() - began)

    members = {"__call__": timed_call, "__doc__": use_case.__doc__, "__module__": use_case.__module__}
    return type(name, (use_case,), members | {"__slots__": ("refusals",)})


def recording(refusals: RefusalLog, use_case: type[U], **ports: Any) -> U:
    """Build a use case, logged and timed, whose refusals are recorded."""
    built: U = instrumented(use_case)(**ports)  # type: ignore[arg-type]  # a class is hashable
    object.__setattr__(built, "refusals", refusals)  # it is frozen
    return built


async def record_refusal(use_case: Any, refusal: CoreError, arguments: tuple[Any, ...]) -> None:
    """Record a refused permission, and every refusal of a use case with audit records; a failure is only counted."""
    refusals: RefusalLog | None = getattr(use_case, "refusals", None)
    action = getattr(use_case, "ACTION", "")
    # The argument of a use case that makes a caller known is a credential, and strangers would fill the trail.
    denied = use_case.permission is not None and isinstance(refusal, NotPermitted | NotAuthenticated)
    if refusals is None or isinstance(refusal, NO_REFUSALS) or not (action or denied):
        return
    # Also a text for a use case that is open to all may be a credential.
    told = UUID if use_case.permission is None else str | UUID
    target = str(arguments[0]) if arguments and isinstance(arguments[0], told) else ""
    try:
        fate = await refusals.record(action or use_case.permission, target, reported_kind(refusal).problem)
    except CoreError as error:
        log.warning("refusal_not_recorded", action=action, error=error)
        fate = Fate.FAILED
    REFUSALS.labels(fate).inc()
