"""The inventory conserves stock on every kind of persistence, also with partially loaded skus."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count

import pytest
from hypothesis.stateful import run_state_machine_as_test

from config.container import Application, running
from config.settings import Settings
from tests.databases import DatabasePool
from tests.unit.inventory.conservation_machine import Conservation, Run, sequences
from tests.unit.inventory.harness import InventoryHarness
from tests.unit.inventory.test_conservation import at_once

SEQUENCES_BY_DATABASE = {"sqlite": 20, "mysql": 10}


@pytest.fixture
def run() -> Iterator[Run]:
    with asyncio.Runner() as runner:
        yield runner.run


def test_stock_is_conserved_by_hundreds_of_sequences_in_memory() -> None:
    run_state_machine_as_test(lambda: Conservation(InventoryHarness.in_memory(), at_once), settings=sequences(300))


@pytest.mark.parametrize("stored_settings", ["sqlite", "mysql"], indirect=True)
def test_stock_is_conserved_by_any_sequence_of_commands(
    stored_settings: Settings, prepared: DatabasePool, run: Run
) -> None:
    stack, prefixes = AsyncExitStack(), (f"n{number}-" for number in count())

    async def open_stores() -> InventoryHarness:
        settings = await stack.enter_async_context(prepared.acquire(stored_settings))
        application = await stack.enter_async_context(running(Application(settings=settings)))
        return InventoryHarness(
            application.inventory.new_work, application.inventory.inventory_backlog(), application.messaging.outbox()
        )

    inventory = run(open_stores())
    few = SEQUENCES_BY_DATABASE[stored_settings.adapters.persistence]
    try:
        run_state_machine_as_test(
            lambda: Conservation(inventory, run, next(prefixes)),
            settings=sequences(few, stateful_step_count=20, derandomize=True, database=None),
        )
    finally:
        run(stack.aclose())
