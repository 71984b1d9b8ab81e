"""Times the calls of driven ports from the outside."""

import time
from collections.abc import Callable, Mapping
from functools import cache, wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from prometheus_client import Histogram

A = TypeVar("A")
INTERVAL_SECONDS = 0.01
"""No call is timed that begins within this time of a timed one: an observation costs a hundredth of a submission."""

PORT_SECONDS = Histogram(
    "bursar_port_seconds",
    "Time of calls of ports behind which a server, a vendor or a file is; a commit includes the wait for its batch",
    ["port", "adapter", "call"],
    buckets=[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
)


@cache
def timer(port: str, adapter: str, call: str) -> Histogram:
    """Return the metric with its labels, whose look-up takes longer than an observation."""
    return PORT_SECONDS.labels(port, adapter, call)


def timed(adapter: type[A]) -> type[A]:
    """Return a subclass of an adapter whose calls are timed; it takes the same arguments."""
    calls = {call: timed_call(port, adapter, call) for call, port in calls_of(adapter).items()}
    members: dict[str, Any] = {"__doc__": adapter.__doc__, "__module__": adapter.__module__, "__slots__": ()}
    return type(adapter.__name__, (adapter,), members | calls) if calls else adapter


def calls_of(adapter: type) -> Mapping[str, str]:
    """Return the asynchronous methods that ports declare, each with the name of its port."""
    ports = [each for each in adapter.__mro__[::-1] if each.__module__.startswith("core.")]
    return {
        name: port.__name__
        for port in ports
        for name in getattr(port, "__abstractmethods__", ())
        if name in vars(port) and not name.startswith("_") and iscoroutinefunction(getattr(adapter, name))
    }


def timed_call(port: str, adapter: type, name: str) -> Callable[..., Any]:
    """Return a method of an adapter that observes its time, in a part of the calls when they are frequent."""
    call, adapter_name, due = getattr(adapter, name), adapter.__name__, 0.0

    @wraps(call)
    async def observed(self: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal due
        if (began := time.perf_counter()) < due:
            return await call(self, *arguments, **named)
        due = began + INTERVAL_SECONDS
        try:
            return await call(self, *arguments, **named)
        finally:
            timer(port, adapter_name, name).observe(time.perf_counter() - began)

    return observed
