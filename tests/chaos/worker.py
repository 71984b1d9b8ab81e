"""The main function of a forked process: a process of the product, or a task of the test kit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from uuid import uuid4

from config.container import Application, running
from config.settings import Settings
from config.settings_file import validate
from core.notifications.delivery import Channel, Notice
from core.notifications.send_notice import SendNotice
from entrypoints.cli.runtime import Runtime
from entrypoints.contexts import create_bursar
from entrypoints.routes import ROUTES
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from tests.chaos import preparation, ticker, vendors
from tests.chaos.events import EffectTaken
from tests.chaos.fault_points import FaultPointRegistry, FaultPoints
from tests.chaos.orders import Order
from tests.chaos.sabotage import sabotage

LAZY_IMPORTS = (
    "adapters.jinja.templates", "adapters.kafka.probe", "adapters.kafka.publisher", "adapters.kafka.topics",
    "adapters.resilience.chain", "adapters.resilience.policy", "adapters.ses.email", "adapters.sql.engine.group_commit",
    "adapters.sql.messaging.inbox", "adapters.sql.engine.migrate", "adapters.sql.engine.probe", "adapters.twilio.sms",
    "asyncmy",
    "adapters.rabbitmq.probe", "adapters.rabbitmq.publisher", "adapters.rabbitmq.topics",
    "entrypoints.messages.kafka", "entrypoints.messages.rabbitmq", "entrypoints.http.app", "entrypoints.http.server",
    "sqlalchemy.dialects.mysql.asyncmy", "uvicorn.protocols.http.httptools_impl",
)  # fmt: skip
"""Modules that a process imports lazily, imported before the fork."""
for name in LAZY_IMPORTS:
    import_module(name)

TASKS = {"setup": preparation.run, "ticker": ticker.run, "vendors": vendors.run}
DELIVERY_LEASE = timedelta(seconds=12)
"""More than the time limit of a vendor call in the kit's settings, and short enough for a run."""


def work(order: Order) -> int:
    """Execute an order until SIGTERM; return the exit code."""
    if order.role in TASKS:
        TASKS[order.role](order)
        return 0
    try:
        create_bursar(lambda _path, _changes: instrumented_runtime(order))(["serve"])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@asynccontextmanager
async def instrumented_runtime(order: Order) -> AsyncIterator[Runtime]:
    """Open the runtime that an order describes, with its fault points and its sabotage."""
    settings = validate(order.settings | {"serve": [order.role]}, order.name)
    application = Application(settings=settings, routes=ROUTES)
    application.vendors.leases.override(dict.fromkeys(Channel, DELIVERY_LEASE))
    sabotage(application, order.role, order.sabotage)
    FaultPoints(order.name, FaultPointRegistry(Path(order.folder))).instrument(application, order.role)
    async with running(application):
        yield InstrumentedRuntime(application, settings)


class InstrumentedRuntime(ConfiguredRuntime):
    """The runtime, extended by a record of each processed message that no natural key makes unique."""

    def __init__(self, application: Application, settings: Settings) -> None:
        super().__init__(application, settings)
        notifications = self.use_cases.notifications
        ports = {each.name: getattr(notifications.send_notice, each.name) for each in fields(SendNotice)}
        self.use_cases.notifications = replace(notifications, send_notice=MarkingSendNotice(**ports))


@dataclass(frozen=True)
class MarkingSendNotice(SendNotice):
    """Records the effect of a notice in its transaction, before its deliveries."""

    async def __call__(self, notice: Notice) -> None:
        async with self.new_work() as work:
            work.record(EffectTaken(at=datetime.now(UTC), subject=uuid4(), version=1, message=notice.notice))
            await work.commit()
        await super().__call__(notice)
