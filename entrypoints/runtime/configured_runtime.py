"""The runtime that the settings describe: it provisions, migrates, and serves."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any

from config.container import Application
from config.credentials import check_credentials, check_encryption, check_gateways
from config.described_settings import described, masked
from config.sections.section import Misconfigured
from config.settings import Settings
from core.kernel.authorization import ANONYMOUS, SYSTEM, acting_as, current_principal
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.schema import SchemaChange, SchemaIsNewer
from entrypoints.cli.runtime import AfterRestore, Runtime, StartupReport
from entrypoints.runtime.first_api_key import create_first_api_key
from entrypoints.runtime.sample_data import load_sample_data
from entrypoints.runtime.supervisor import Worker, supervise
from entrypoints.runtime.transports import Transports


class ConfiguredRuntime(Runtime):
    """Use cases and transports over one container."""

    def __init__(self, application: Application, settings: Settings, path: Path | None = None) -> None:
        self._application, self._settings, self._path = application, settings, path
        self.use_cases = application.use_cases()
        self.answers, self.backlog = application.messaging.answers(), application.messaging.backlog()
        self.figures = application.messaging.figures()
        self.delivery_figures = application.notifications.delivery_figures()
        self.clock = application.process.clock()
        self.registry = None if settings.adapters.registry == "none" else application.discovery.registry()
        self._api_key = ""
        self._transports = Transports(application, settings, self.use_cases)

    def probes(self) -> Sequence[Probe]:
        from entrypoints.runtime.findings import SigningKeyProbe, findings

        settings, found = self._settings, self._application.examinations
        known, gateways = self._application.vendors.vendor_probes, self._application.gateways.gateway_probes
        vendors = [
            known(name) for name in (*settings.adapters.email, *settings.adapters.sms) if name in known.providers
        ]
        vendors += [gateways(name) for name in settings.adapters.payments if name in gateways.providers]
        keys = [SigningKeyProbe(self.use_cases)] if "http" in settings.serve else []
        return [
            *findings(settings),
            *self._application.probes(),
            *found.stored_probes(),
            *found.server_probes(),
            *found.event_probes(),
            *self._application.discovery.registration_probes(),
            *keys,
            *found.certificates(),
            *found.identity_providers(),
            *vendors,
        ]

    def described_settings(self) -> Mapping[str, Any]:
        return described(self._settings)

    def masked(self, text: str) -> str:
        return masked(text, self._settings)

    async def provision(self) -> None:
        if self._settings.provision:
            with self._application.storage.provisioning_lock():  # processes that start together wait for the first
                with suppress(SchemaIsNewer):  # a program works on the schema of the next version
                    await self.migrate("head")
                await load_sample_data(self.use_cases, self.clock)
                await self.use_cases.identity.create_signing_key()
                new_inbox = self._application.messaging.new_inbox
                self._api_key = await create_first_api_key(self.use_cases, new_inbox, self._key_file()) or self._api_key

    async def migrate(self, target: str, *, may_lose_data: bool = False) -> SchemaChange:
        change: SchemaChange = await self._application.storage.migrate(target, may_lose_data=may_lose_data)
        return change

    async def topics(self) -> Sequence[Any]:
        created: Sequence[Any] = await self._application.messaging.topics()()
        return created

    async def back_up(self, target: Path) -> int:
        size: int = await self._application.storage.back_up()(target)
        return size

    async def after_restore(self, moment: datetime) -> AfterRestore:
        doubted = await self._application.notifications.restored_deliveries().doubt(moment, self.clock.now())
        return AfterRestore(doubted, await self._application.messaging.rewind()(moment))

    async def serve(self, on_started: Callable[[StartupReport], Awaitable[None]], stop: asyncio.Event) -> None:
        current_principal.set(SYSTEM)
        check_encryption(self._settings)
        if {"dispatcher", "scheduler"}.intersection(self._settings.serve):
            check_credentials(self._settings)
        if {"http", "scheduler"}.intersection(self._settings.serve):
            check_gateways(self._settings)
        with self._application.storage.exclusive_lock(), ExitStack() as opened:
            serves_http = "http" in self._settings.serve
            listening = opened.enter_context(self._transports.listen()) if serves_http else None
            monitored = bool(self._settings.telemetry.metrics_address)
            monitoring = opened.enter_context(self._transports.listen_for_monitors()) if monitored else None
            await self.provision()
            report = await self._report(address(listening) if listening else "")
            if listening:
                await self._require_keys()
            if listening and self._settings.http.workers > 1:
                await self._supervise(listening, monitoring, partial(on_started, report), stop)
                return
            async with self._transports.monitored(monitoring, stop), asyncio.TaskGroup() as tasks:
                tasks.create_task(stop_all_after(self._transports.measure(stop), stop))
                for name in self._settings.serve:
                    with acting_as(ANONYMOUS if name == "http" else SYSTEM):  # a task keeps the principal of its start
                        for loop in self._transports.start(name, listening, stop):
                            tasks.create_task(stop_all_after(loop, stop))
                if self.registry:
                    tasks.create_task(stop_all_after(self._transports.register(listening, stop), stop))
                await on_started(report)

    async def _supervise(
        self,
        listening: socket,
        monitoring: socket | None,
        on_ready: Callable[[], Awaitable[None]],
        stop: asyncio.Event,
    ) -> None:
        """Run the workers, and answer monitors for all of them."""
        with TemporaryDirectory() as metrics:
            async with self._transports.monitored(monitoring, stop, metrics):
                await supervise(self._workers(listening, metrics), on_ready, stop)

    async def _require_keys(self) -> None:
        """Raise `Misconfigured` if access tokens could not be signed."""
        if self._transports.shares_database and not self._settings.identity.secret.reveal():
            raise Misconfigured(
                "identity.secret is empty: set BURSAR__IDENTITY__SECRET to 32 or more random characters, the same in"
                " every process"
            )
        if not await self.use_cases.identity.list_public_keys():
            raise Misconfigured("there is no key that signs access tokens: run `bursar keys create`")

    def _key_file(self) -> Path | None:
        """Return the file of the first API key; None for a database that ends with the process."""
        settings = self._settings
        if settings.adapters.persistence == "memory":
            return None
        return Path(settings.identity.key_file or Path(settings.sqlite.path).with_suffix(".key"))

    async def _report(self, url: str) -> StartupReport:
        file = self._key_file() if self._settings.provision else None
        kept = str(file) if file and file.exists() else ""
        return StartupReport(url, await self._startup_warnings(), self._api_key, kept)

    def _workers(self, listening: socket, metrics: str) -> list[Worker]:
        """Return the workers that share the address of HTTP, and one for everything else."""
        drain = self._settings.http.drain_seconds
        common = {"HTTP__WORKERS": "1", "PROVISION": "false", "TELEMETRY__METRICS_ADDRESS": ""}
        http = common | {"SERVE": "http", "HTTP__PORT": str(listening.getsockname()[1]), "HTTP__REUSE_PORT": "true"}
        rest = common | {"SERVE": ",".join(name for name in self._settings.serve if name != "http")}
        changes = [*[http] * self._settings.http.workers, *([rest] if rest["SERVE"] else [])]
        return [
            Worker(self._path, {f"BURSAR__{name}": value for name, value in each.items()}, metrics, number, drain)
            for number, each in enumerate(changes, 1)
        ]

    async def _startup_warnings(self) -> list[str]:
        """Return warnings about missing settings and dependencies; raise `Unavailable` without a database."""
        warnings = []
        needs_secret = "http" in self._settings.serve and self._transports.shares_database
        if needs_secret and not self._settings.admission.secret.reveal():
            warnings.append(
                "set admission.secret, the same in every process: without it a rejected submission is judged by the"
                " time of its next attempt"
            )
        for probe in self._application.probes():
            try:
                await probe.check()
            except Unavailable as error:
                if probe is self._application.storage.persistence_probe():
                    raise Unavailable(f"{probe.name}: {error}; {probe.remedy}") from error
                warnings.append(f"waiting for {probe.name}: {error}; {probe.remedy}")
        return warnings


def address(listening: socket) -> str:
    """Return the URL of a socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def stop_all_after(loop: Awaitable[None], stop: asyncio.Event) -> None:
    """Run one loop; when it ends, for any reason, stop the others."""
    try:
        await loop
    finally:
        stop.set()
