"""The open connections of one process: their limits, and a count of what was refused."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from math import inf
from typing import Protocol

import structlog
from prometheus_client import Counter as CounterMetric
from prometheus_client import Gauge

from entrypoints.http.protocol.turns import Turns

log = structlog.get_logger()
REFUSALS = CounterMetric("bursar_http_refusals", "Requests and connections refused before a route", ["reason"])
CONNECTIONS = Gauge("bursar_http_connections", "Open connections", multiprocess_mode="livesum")
RESERVED_CONNECTIONS = 32
"""Connections over the limit, which serve `MONITORING_PATHS` only."""
MONITORING_PATHS = {"/health/started", "/health/live", "/health/ready", "/metrics"}
"""Requested every few seconds: answered over the limit of connections, and logged at debug level only."""
CLIENT_LEFT = 499
"""The status, as in the logs of nginx, of a request whose client left before the answer was complete."""
CHECK_SECONDS = 0.25
"""The time between two looks at the clients that are too slow."""
LOG_SECONDS = 10.0
"""At least this time lies between two log lines about refusals."""
MIN_BODY_BYTES_PER_SECOND = 500
"""A slower body is given up once `body_seconds` are used up."""


class HttpLimits(Protocol):
    """What a client may use; the settings of the section `http`."""

    @property
    def max_connections(self) -> int:
        """Connections of one process."""

    @property
    def max_head_bytes(self) -> int:
        """Bytes of the request line and the headers."""

    @property
    def max_headers(self) -> int:
        """Headers of one request."""

    @property
    def max_bytes_under_way(self) -> int:
        """Bytes of incomplete requests in one process."""

    @property
    def head_seconds(self) -> float:
        """Seconds for the head of a request."""

    @property
    def body_seconds(self) -> float:
        """Seconds in which the client sends no part of a body."""

    @property
    def keep_alive_seconds(self) -> float:
        """Seconds between two requests of a connection."""

    @property
    def drain_seconds(self) -> float:
        """Seconds in which requests are still answered when the process ends."""

    @property
    def public_url(self) -> str:
        """The address of the service for others; with https, browsers use no other scheme."""


class Client(Protocol):
    """A connection, as this module sees it."""

    @property
    def paused(self) -> bool:
        """Whether the server takes no bytes from the client at present."""

    def time_out(self) -> None:
        """End the connection of a client that is too slow."""

    def cut(self) -> None:
        """End the upload of a client whose bytes take the place of others."""

    def evict(self) -> None:
        """End a connection at once."""


class Connections:
    """Counts connections, and ends those that wait for their client for too long.

    The values of the dictionaries are deadlines in the time of the event loop.
    """

    def __init__(self, limits: HttpLimits) -> None:
        self.limits, self.open = limits, dict[Client, None]()
        self.beginning, self.idle = dict[Client, float](), dict[Client, float]()
        """Before the first complete head; between two requests. The longest waiting first."""
        self.sending, self.unread = dict[Client, float](), dict[Client, float]()
        """Within a body; with an answer that the client does not read."""
        self.lingering = dict[Client, float]()
        """Answered, and still sending."""
        self.draining = False
        """Whether each answer is the last one of its connection."""
        self.turns = Turns()
        self.held = dict[Client, int]()
        """The bytes of each request that is not complete."""
        self._bytes_held = 0
        self._refused, self._logged = Counter[str](), float("-inf")

    def admit(self, client: Client) -> bool | None:
        """Count a new connection; return whether it is over the limit, or None if it cannot be kept.

        At the limit, the connection that has waited for its client for the longest time makes room.
        """
        if len(self.open) >= self.limits.max_connections and (victim := self._longest_waiting()):
            self.forget(victim)
            self.refuse("evicted")
            victim.evict()
        if len(self.open) >= self.limits.max_connections + RESERVED_CONNECTIONS:
            self.refuse("connections")
            return None
        self.open[client] = None
        CONNECTIONS.set(len(self.open))
        return len(self.open) > self.limits.max_connections

    def forget(self, client: Client) -> None:
        """Count a connection no longer."""
        for clients in (self.open, self.beginning, self.idle, self.sending, self.unread, self.lingering):
            clients.pop(client, None)
        self.hold(client, 0)
        CONNECTIONS.set(len(self.open))

    def hold(self, client: Client, size: int) -> None:
        """Note the bytes that wait for the rest of a request; at the limit, cut the slowest large upload."""
        self._bytes_held += size - self.held.pop(client, 0)
        if size:
            self.held[client] = size
        while self._bytes_held > self.limits.max_bytes_under_way:
            self._slowest_large_upload().cut()

    def _slowest_large_upload(self) -> Client:
        """Return the slowest of the uploads that hold the average or more, so never a small one among large ones."""
        average = self._bytes_held / len(self.held)
        large = [client for client, size in self.held.items() if size >= average]
        return min(large, key=lambda client: (client.paused, self.sending.get(client, inf)))

    def refuse(self, reason: str) -> None:
        """Count a refusal; a line of the log follows soon, one for all refusals of that time."""
        REFUSALS.labels(reason).inc()
        self._refused[reason] += 1

    async def enforce(self) -> None:
        """Look for slow clients until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            for client in [*self._late(loop.time())]:
                try:
                    client.time_out()
                except Exception as error:  # the others are judged all the same
                    log.error("internal_error", exc_info=error)
            self._write_log(loop.time())

    def _longest_waiting(self) -> Client | None:
        for clients in (self.lingering, self.beginning, self.idle, self.unread):
            if clients:
                return next(iter(clients))
        stalled = {client: deadline for client, deadline in self.sending.items() if not client.paused}
        return min(stalled, key=stalled.__getitem__, default=None)

    def _late(self, now: float) -> Iterator[Client]:
        for clients in (self.beginning, self.idle, self.sending, self.unread, self.lingering):
            for client, deadline in clients.items():
                if now > deadline:
                    yield client

    def _write_log(self, now: float) -> None:
        if self._refused and now - self._logged >= LOG_SECONDS:
            log.warning("http_refused", connections=len(self.open), **self._refused)
            self._refused.clear()
            self._logged = now
