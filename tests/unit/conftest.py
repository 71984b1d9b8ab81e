"""Unit tests run in virtual time."""

import asyncio
from collections.abc import Callable, Mapping

from tests.unit.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual_time": VirtualTimeLoop}
