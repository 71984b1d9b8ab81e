"""The command `bursar`: the only place that knows both the configuration and the transports.

A transport is imported when it is started: `bursar quote` does not wait for a web framework.
"""

import asyncio
import csv
import secrets
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

import config
from config.container import Application, running
from config.settings import Settings, load
from core.inventory.create_batch import Purchase
from core.inventory.errors import BatchAlreadyCreated
from core.kernel.errors import Unavailable
from core.kernel.idempotency import RequestContext
from core.notifications.delivery import Channel
from core.students.roster import rows
from entrypoints.cli.app import create_cli
from entrypoints.cli.files import read_chunks
from entrypoints.cli.runtime import Runtime, StartupReport
from entrypoints.dispatcher.dispatcher import dispatch, expire_claims, report_standings
from entrypoints.messages import embedded
from entrypoints.messages.consumer import Consumer
from entrypoints.messages.replays import with_replays
from entrypoints.messages.routes import MAX_MESSAGES_PER_TRANSACTION, consumed_contexts, contexts, routes
from entrypoints.runtime.supervisor import Worker, supervise
from entrypoints.scheduler.projection_lag import LAG_SAMPLING_INTERVAL_SECONDS, measure_projection_lag
from entrypoints.scheduler.scheduler import run_every

BUNDLED_CONFIG_DIRECTORY = Path(config.__file__).parent
RETENTION_INTERVAL_SECONDS = 600.0
"""Seconds between looks for what may be forgotten."""
TENDING = 20.0
"""Seconds between looks for reservations whose time is over, and for queues that are longer than one transaction."""
RECONCILIATION_INTERVAL_SECONDS = 30.0
"""Seconds between looks for deliveries whose outcome is unknown."""


class ConfiguredRuntime(Runtime):
    """The fee office that the settings describe."""

    def __init__(self, application: Application, settings: Settings, path: Path | None = None) -> None:
        self._driven, self._settings, self._path = application.driven, settings, path
        self.use_cases: Mapping[str, Callable[..., Any]] = with_replays(application.use_cases().providers)
        self.answers = self._driven.answers()
        self.backlog = self._driven.backlog()
        self.clock = self._driven.clock()
        vendors = self._driven.vendor_probes()
        named = [*settings.adapters.email, *settings.adapters.sms]
        self.probes = [*self._driven.probes(), *(vendors[name] for name in named if name in vendors)]

    async def provision(self) -> None:
        if not self._settings.provision:
            return
        with self._driven.provisioning():  # others who begin at the same time wait until it is done
            await self.migrate("head")
            present = {schedule.code for schedule in await self.use_cases["list_fee_schedules"]()()}
            missing = {code: text for code, text in bundled_schedules().items() if code not in present}
            if missing:
                await self.use_cases["import_students"]()(rows(read_chunks(BUNDLED_CONFIG_DIRECTORY / "roster.csv")))
                for purchase in stock():
                    with suppress(BatchAlreadyCreated):
                        await self.use_cases["create_batch"]()(purchase, RequestContext(arrived=self.clock.now()))
            for text in missing.values():
                await self.use_cases["publish_fee_schedule"]()(tomllib.loads(text))

    async def migrate(self, target: str) -> str:
        version: str = await self._driven.migrate(target)
        return version

    async def topics(self) -> Sequence[Any]:
        created: Sequence[Any] = await self._driven.topics()()
        return created

    async def serve(self, opened: Callable[[StartupReport], Awaitable[None]], stop: asyncio.Event) -> None:
        with self._driven.exclusive_file_lock():
            listening = self._listen() if "http" in self._settings.serve else None
            await self.provision()
            served = StartupReport(address(listening) if listening else "", await self._startup_warnings())
            if listening and self._settings.http.workers > 1:
                with TemporaryDirectory() as metrics:
                    await supervise(self._workers(listening, metrics), partial(opened, served), stop)
                return
            async with asyncio.TaskGroup() as tasks:
                for transport in self._transports(listening, stop):
                    tasks.create_task(run_transport(transport, stop))
                await opened(served)

    def _workers(self, listening: socket, metrics: str) -> list[Worker]:
        """Return those that share the address of HTTP, and one for everything else."""
        common = {"HTTP__WORKERS": "1", "PROVISION": "false"}
        http = common | {"SERVE": "http", "HTTP__PORT": str(listening.getsockname()[1]), "HTTP__SHARED": "true"}
        rest = common | {"SERVE": ",".join(name for name in self._settings.serve if name != "http")}
        return [
            Worker(self._path, {f"BURSAR__{name}": value for name, value in each.items()}, metrics)
            for each in [*[http] * self._settings.http.workers, *([rest] if rest["SERVE"] else [])]
        ]

    def _listen(self) -> socket:
        from entrypoints.http import server

        of = self._settings.http
        return server.reserve(of.host, of.port) if of.workers > 1 else server.listen(of.host, of.port, shared=of.shared)

    def _admission(self) -> Any:
        from entrypoints.http.middleware.admission import AdmissionControl
        from entrypoints.http.submission_intents import IntentSigner

        of = self._settings.admission
        secret = of.secret.reveal() or ("" if self._database_is_shared() else secrets.token_hex())
        return AdmissionControl(IntentSigner(secret.encode(), timedelta(seconds=of.grace_seconds)), of.most)

    def _database_is_shared(self) -> bool:
        """Return whether other processes may have the same database."""
        return self._settings.adapters.persistence == "mysql"

    def _transports(self, listening: Any, stop: asyncio.Event) -> list[Any]:
        driven, started = self._driven, list[Any]()
        for name in self._settings.serve:
            match name:
                case "http":
                    from entrypoints.http import server
                    from entrypoints.http.app import create_app
                    from entrypoints.http.middleware.load_shedding import LoadShedder

                    admission = self._admission()
                    app = create_app(self.use_cases, driven.answers(), driven.probes(), self.clock, admission)
                    started.append(server.serve(app, LoadShedder(admission, self.clock), listening, stop))
                case "consumer":
                    started += self._consumers(stop)
                case "relay":
                    from entrypoints.relay.backlog_metrics import export_backlog
                    from entrypoints.relay.relay import Relay

                    relay = Relay(driven.outbox(), driven.publisher(), driven.signals(), self.clock)
                    started += [relay.run(stop), export_backlog(driven.backlog(), self.clock, stop)]
                case "dispatcher":
                    deliver, signals = self.use_cases["dispatch_deliveries"](), driven.signals()
                    started += [dispatch(deliver, channel, stop) for channel in Channel]
                    started.append(report_standings(self.use_cases["publish_vendor_standings"](), signals, stop))
                    started.append(expire_claims(self.use_cases["expire_claims"](), signals, stop))
                case "scheduler":
                    forget = self.use_cases["purge_expired_records"]()
                    started.append(run_every(RETENTION_INTERVAL_SECONDS, "old_messages_purged", forget, stop))
                    started.append(run_every(TENDING, "stores_tended", self.use_cases["tend_stores"](), stop))
                    reconcile = self.use_cases["reconcile_deliveries"]()
                    started.append(run_every(RECONCILIATION_INTERVAL_SECONDS, "deliveries_reconciled", reconcile, stop))
                    lag = partial(measure_projection_lag, driven.projection_progress(), self.clock)
                    started.append(run_every(LAG_SAMPLING_INTERVAL_SECONDS, "projection_lag_measured", lag, stop))
        return started

    def _consumers(self, stop: asyncio.Event) -> list[Any]:
        consumer = Consumer(
            self._driven.new_inbox, routes(self.use_cases), self.clock, self._driven.ids(), MAX_MESSAGES_PER_TRANSACTION
        )
        if self._settings.adapters.events == "embedded":
            embedded.consume(self._driven.broker(), consumer)
            return []
        from entrypoints.messages.kafka import KafkaTransport

        kafka = self._settings.kafka
        return [
            KafkaTransport(kafka.bootstrap, kafka.topic_prefix, kafka.group, consumed_contexts(), consumer).run(stop)
        ]

    async def _startup_warnings(self) -> list[str]:
        """Return who is away; without its database there is no office."""
        warnings = []
        if (
            "http" in self._settings.serve
            and self._database_is_shared()
            and not self._settings.admission.secret.reveal()
        ):
            warnings.append("set admission.secret, the same everywhere, or whom we turn away loses his moment")
        for probe in self._driven.probes():
            try:
                await probe.check()
            except Unavailable as error:
                if probe is self._driven.persistence_probe():
                    raise Unavailable(f"{probe.name}: {error}; {probe.remedy}") from error
                warnings.append(f"waiting for {probe.name}: {error}; {probe.remedy}")
        return warnings


def bundled_schedules() -> dict[str, str]:
    """Return the schedules that come with the program, by code."""
    return {path.stem: path.read_text() for path in sorted((BUNDLED_CONFIG_DIRECTORY / "schedules").glob("*.toml"))}


def stock() -> list[Purchase]:
    """Return what the stores of a new fee office have."""
    found = csv.DictReader((BUNDLED_CONFIG_DIRECTORY / "stock.csv").read_text().splitlines())
    return [Purchase(reference=row["reference"], sku=row["sku"], quantity=int(row["quantity"])) for row in found]


def address(listening: socket) -> str:
    """Return where a browser finds it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run_transport(transport: Awaitable[None], stop: asyncio.Event) -> None:
    """Run one transport; when it ends, for whatever reason, the others end too."""
    try:
        await transport
    finally:
        stop.set()


@asynccontextmanager
async def open_runtime(path: Path | None, changes: Mapping[str, Any]) -> AsyncIterator[Runtime]:
    """Open the office of a configuration file, the local one without."""
    settings = load(path or BUNDLED_CONFIG_DIRECTORY / "local.toml", changes=changes)
    async with running(Application(settings=settings, contexts=contexts())) as application:
        yield ConfiguredRuntime(application, settings, path)


def main() -> None:
    """Run the command line."""
    create_cli(open_runtime)()


if __name__ == "__main__":
    main()
