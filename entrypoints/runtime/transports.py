"""The loops that each word of the setting `serve` starts; a transport is imported when it starts."""

import asyncio
import secrets
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from importlib.metadata import version
from socket import socket
from typing import TYPE_CHECKING

from config.container import Application
from config.settings import Settings
from core.kernel.health import HealthChecks
from core.kernel.registry import RegisteredProcess
from core.use_cases import UseCases
from entrypoints.contexts import http_handlers
from entrypoints.health import Stopping

if TYPE_CHECKING:
    from entrypoints.scheduler.scheduler import Figures

GAUGES_INTERVAL_SECONDS = 5.0


class Transports:
    """The driving adapters of one process."""

    def __init__(self, application: Application, settings: Settings, use_cases: UseCases) -> None:
        self._application, self._settings, self._use_cases = application, settings, use_cases

    @property
    def shares_database(self) -> bool:
        """Return whether other processes can use the same database."""
        return self._settings.adapters.persistence == "mysql"

    @property
    def _reads_replicas(self) -> bool:
        return self.shares_database and bool(self._settings.mysql.replicas)

    def listen(self) -> socket:
        """Bind the address of HTTP, or reserve it for the workers that share it; raise `AddressInUse`."""
        from entrypoints.http import server

        http = self._settings.http
        server.reserve_files(http.max_connections)
        if http.workers > 1:
            return server.reserve(http.host, http.port)
        return server.listen(http.host, http.port, shared=http.reuse_port)

    def listen_for_monitors(self) -> socket:
        """Bind the address of metrics and health checks; raise `AddressInUse`."""
        from entrypoints.monitoring import listen

        return listen(self._settings.telemetry.metrics_address)

    def monitored(
        self, listening: socket | None, stop: asyncio.Event, folder: str | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Answer monitors on a socket, if there is one; `folder` has the metrics of the workers."""
        from entrypoints.monitoring import monitored

        checks = HealthChecks([*self._application.probes(), Stopping(stop)])
        return monitored(listening, checks, folder) if listening else nullcontext()

    def register(self, listening: socket | None, stop: asyncio.Event) -> Awaitable[None]:
        """Keep this process in the registry while it is ready; `listening` is the socket of its HTTP."""
        from entrypoints.runtime.registration import Registration, locate

        application, settings, found = self._application, self._settings, self._settings.registry
        process = RegisteredProcess(application.process.name(), settings.serve, "", version("bursar"), ready=False)

        async def address() -> str:
            if listening is None:
                return ""
            host, port = found.advertised_host or settings.http.host, found.advertised_port
            return await locate(host, port or listening.getsockname()[1], found.url)

        checks = HealthChecks(application.server_probes())
        registration = Registration(application.discovery.registry(), process, checks, address)
        return registration.keep(found.ttl_seconds, stop)

    def measure(self, stop: asyncio.Event) -> Awaitable[None]:
        """Bring the gauges of this process up to date until `stop` is set."""
        from entrypoints.periodic import run_every

        async def refresh() -> None:
            for gauges in self._application.gauges():
                await gauges.refresh()

        return run_every(GAUGES_INTERVAL_SECONDS, "gauges_refreshed", refresh, stop)

    def start(self, name: str, listening: socket | None, stop: asyncio.Event) -> list[Awaitable[None]]:
        """Return the loops of one transport; each runs until `stop` is set."""
        match name:
            case "http":
                assert listening  # noqa: S101 - bound before the transports start
                return [self._http(listening, stop)]
            case "consumer":
                return self._consumer(stop)
            case "relay":
                return self._relay(stop)
            case "dispatcher":
                from entrypoints.dispatcher.dispatcher import dispatcher

                return dispatcher(self._use_cases, stop)
            case _:
                from entrypoints.scheduler.scheduler import scheduler

                return scheduler(self._use_cases, self._figures(), self._application.process.clock(), stop)

    def _http(self, listening: socket, stop: asyncio.Event) -> Awaitable[None]:
        from entrypoints.http import server
        from entrypoints.http.app import create_app
        from entrypoints.http.fees.timeline_streams import StreamTimes
        from entrypoints.http.middleware.admission import AdmissionControl
        from entrypoints.http.middleware.authentication import Authentication
        from entrypoints.http.middleware.load_shedding import LoadShedder
        from entrypoints.http.middleware.rate_limiting import RateLimits
        from entrypoints.http.submission_intents import IntentSigner

        settings, http, clock = self._settings.admission, self._settings.http, self._application.process.clock()
        secret = settings.secret.reveal() or ("" if self.shares_database else secrets.token_hex())
        signer = IntentSigner(secret.encode(), timedelta(seconds=settings.grace_seconds))
        admission = AdmissionControl(signer, settings.max_in_flight)
        answers, probes = self._application.messaging.answers(), [*self._application.probes(), Stopping(stop)]
        rate_limits = RateLimits(self._application.storage.rate_limiter(), self._settings.limits)
        app = create_app(
            http_handlers(),
            self._use_cases,
            answers,
            probes,
            clock,
            admission,
            rate_limits,
            tracer=self._application.process.tracer(),
            trusted_proxies=http.trusted_proxies,
            documented=True,
            graphql=self._settings.graphql if self._settings.graphql.enabled else None,
            own_writes=self._application.storage.own_writes() if self._reads_replicas else None,
            stream_times=StreamTimes(http.stream_heartbeat_seconds, http.stream_seconds, stop),
        )
        shedder = LoadShedder(admission, Authentication(self._use_cases.identity), clock)
        return server.serve(app, shedder, listening, stop, http)

    def _consumer(self, stop: asyncio.Event) -> list[Awaitable[None]]:
        from entrypoints.messages.consumer import Consumer

        messaging, routes = self._application.messaging, self._application.routes()
        consumer = messaging.traced_consumer(Consumer(messaging.new_inbox, routes, self._use_cases))
        if self._settings.adapters.events == "embedded":
            messaging.broker().subscribe(consumer)
            return []
        if self._settings.adapters.events == "rabbitmq":
            from entrypoints.messages.rabbitmq import RabbitMQTransport

            server = messaging.rabbitmq_server()
            queues = messaging.rabbitmq_queues(routes.consumed_contexts)
            return [RabbitMQTransport(server.connect, server.nodes, queues, consumer).run(stop)]
        from entrypoints.messages.kafka import KafkaTransport

        kafka = self._settings.kafka
        connection = messaging.kafka_connection()
        transport = KafkaTransport(connection, kafka.topic_prefix, kafka.group, routes.consumed_contexts, consumer)
        return [transport.run(stop)]

    def _relay(self, stop: asyncio.Event) -> list[Awaitable[None]]:
        from entrypoints.relay.relay import Relay

        messaging, clock = self._application.messaging, self._application.process.clock()
        relay = Relay(messaging.outbox(), messaging.traced_publisher(), self._application.process.signals(), clock)
        return [relay.run(stop)]

    def _figures(self) -> "Figures":
        from entrypoints.scheduler.scheduler import Figures

        application = self._application
        return Figures(
            application.messaging.backlog(),
            application.messaging.consumer_lag(),
            application.notifications.delivery_figures(),
            application.payments.order_figures(),
            application.inventory.projection_progress(),
        )
