"""In unit tests time passes as fast as nobody works."""

import asyncio
from collections.abc import Callable, Mapping

from tests.unit.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"warped": VirtualTimeLoop}
