"""One process of the fee office, or of the kit: what a fork becomes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

from config.container import Application, running
from config.settings import Settings, check
from entrypoints.__main__ import ConfiguredRuntime
from entrypoints.cli.app import create_cli
from entrypoints.cli.runtime import Runtime
from entrypoints.messages.routes import contexts
from tests.chaos import preparation, ticker, vendors
from tests.chaos.events import EffectTaken
from tests.chaos.fault_points import FaultPointRegistry, Watch
from tests.chaos.orders import Order
from tests.chaos.sabotage import sabotage

LAZY_IMPORTS = (
    "adapters.jinja.templates", "adapters.kafka.probe", "adapters.kafka.publisher", "adapters.kafka.topics",
    "adapters.resilience.chain", "adapters.resilience.policy", "adapters.ses.email", "adapters.sql.group_commit",
    "adapters.sql.inbox", "adapters.sql.migrate", "adapters.sql.probe", "adapters.twilio.sms", "asyncmy",
    "entrypoints.messages.kafka", "entrypoints.http.app", "entrypoints.http.server",
    "sqlalchemy.dialects.mysql.asyncmy", "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip
"""What a process imports when it first needs it, and a fork should have already."""
for name in LAZY_IMPORTS:
    import_module(name)

TASKS = {"setup": preparation.run, "ticker": ticker.run, "vendors": vendors.run}
DELIVERY_LEASE = timedelta(seconds=12)
"""Longer than any call of a vendor may take with the kit's settings, and short enough to wait for."""


def work(order: Order) -> int:
    """Do what is ordered until told to stop; return the exit code."""
    if order.role in TASKS:
        TASKS[order.role](order)
        return 0
    try:
        create_cli(lambda _path, _changes: instrumented_runtime(order))(["serve"])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@asynccontextmanager
async def instrumented_runtime(order: Order) -> AsyncIterator[Runtime]:
    """Open the office that an order describes, with its fault points and its sabotage."""
    settings = check(order.settings | {"serve": [order.role]}, order.name)
    application = Application(settings=settings, contexts=contexts())
    application.driven.lease.override(DELIVERY_LEASE)
    sabotage(application, order.role, order.sabotage)
    Watch(order.name, FaultPointRegistry(Path(order.folder))).instrument(application, order.role)
    async with running(application):
        yield InstrumentedRuntime(application, settings)


class InstrumentedRuntime(ConfiguredRuntime):
    """A fee office in which every message taken in leaves a mark that no natural key makes unique."""

    def __init__(self, application: Application, settings: Settings) -> None:
        super().__init__(application, settings)
        self.use_cases = {**self.use_cases, "send_notice": marking(self.use_cases["send_notice"])}


def marking(make: Callable[..., Any]) -> Callable[..., Any]:
    """Let a use case leave its mark in the transaction in which it takes effect, first of all."""

    def make_marking(**ports: Any) -> Callable[..., Any]:
        call = make(**ports)

        async def mark(notice: Any) -> None:
            async with ports["new_work"]() as work:
                work.record(EffectTaken(at=datetime.now(UTC), subject=uuid4(), version=1, message=notice.notice))
                await work.commit()
            await call(notice)

        return mark

    return make_marking
