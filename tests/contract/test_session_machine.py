"""Sessions answer like a naive model after any sequence of what can happen to them; BURSAR_TEST_SEQUENCES runs more."""

import asyncio
from contextlib import AsyncExitStack

from hypothesis.stateful import run_state_machine_as_test

from config.container import Application, running
from config.settings import Settings
from tests.databases import DatabasePool
from tests.unit.identity.harness import Office
from tests.unit.identity.session_machine import SessionMachine
from tests.unit.inventory.conservation_machine import sequences

SEQUENCES_BY_DATABASE = {"memory": 60, "sqlite": 8, "mysql": 8}


def test_sessions_answer_like_a_naive_model(stored_settings: Settings, prepared: DatabasePool) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def opened() -> Office:
            settings = await stack.enter_async_context(prepared.acquire(stored_settings))
            application = await stack.enter_async_context(running(Application(settings=settings)))
            return Office.over(application)

        office = runner.run(opened())
        try:
            run_state_machine_as_test(
                lambda: SessionMachine(office, runner.run),
                settings=sequences(SEQUENCES_BY_DATABASE[stored_settings.adapters.persistence]),
            )
        finally:
            runner.run(stack.aclose())
