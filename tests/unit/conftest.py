"""Unit tests run in virtual time."""

import asyncio
from collections.abc import Callable, Mapping

import pytest
import structlog

from tests.unit.virtual_time_loop import VirtualTimeLoop

PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual_time": VirtualTimeLoop}


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """Print errors of the log without the values of all variables, which costs 0.1 s each."""
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
