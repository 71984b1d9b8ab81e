"""Whatever happens to the stores happens alike, wherever they are kept: what is loaded in part is no less true."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count

import pytest
from hypothesis.stateful import run_state_machine_as_test

from config.container import Application, running
from config.settings import Settings
from tests.databases import Prepared
from tests.unit.inventory.conservation import Conservation, Run, sequences
from tests.unit.inventory.stores import Stores

pytestmark = pytest.mark.parametrize("stored_settings", ["sqlite", "mysql"], indirect=True)
FEW = {"sqlite": 20, "mysql": 10}


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


def test_whatever_happens_stock_is_conserved(stored_settings: Settings, prepared: Prepared, run: Run) -> None:
    stack, prefixes = AsyncExitStack(), (f"n{number}-" for number in count())

    async def open_stores() -> Stores:
        settings = await stack.enter_async_context(prepared.lent(stored_settings))
        application = await stack.enter_async_context(running(Application(settings=settings)))
        driven = application.driven
        return Stores(driven.new_work, driven.chores(), driven.outbox())

    stores = run(open_stores())
    few = FEW[stored_settings.adapters.persistence]
    try:
        run_state_machine_as_test(
            lambda: Conservation(stores, run, next(prefixes)),
            settings=sequences(few, stateful_step_count=20, derandomize=True, database=None),
        )
    finally:
        run(stack.aclose())
