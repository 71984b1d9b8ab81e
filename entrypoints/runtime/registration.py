"""Keeps a process on the list of the registry, with whether it is ready."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from urllib.parse import urlsplit

import structlog
from prometheus_client import Gauge

from core.kernel.health import HealthChecks
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from entrypoints.periodic import run_every

log = structlog.get_logger()
LISTED = Gauge(
    "bursar_registry_listed", "1 while the registry lists this process as ready; 0 without a registry",
    multiprocess_mode="livemin",
)  # fmt: skip
RENEWALS_IN_TTL = 3
SHUTDOWN_SECONDS = 0.05
"""How long a renewal has to end at a stop: the process leaves the list before HTTP ends."""
ALL_INTERFACES = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
Locate = Callable[[], Awaitable[str]]


class Registration:
    """Announces a process again and again; a registry that fails costs a line of the log."""

    def __init__(self, registry: Registry, process: RegisteredProcess, checks: HealthChecks, locate: Locate) -> None:
        """`locate` finds the address of the process, and may raise `OSError`: it is asked until it does not."""
        self._registry, self._process, self._checks, self._locate = registry, process, checks, locate
        self._state = ""

    async def keep(self, ttl_seconds: int, stop: asyncio.Event) -> None:
        """Renew the registration until `stop` is set, and then withdraw it at once."""
        interval = ttl_seconds / RENEWALS_IN_TTL
        await run_every(interval, "registration", self._renew, stop, shutdown_seconds=SHUTDOWN_SECONDS)
        LISTED.set(0)
        with suppress(RegistryUnavailable):  # its time to live ends
            await self._registry.withdraw(self._process)

    async def _renew(self) -> None:
        ready = (await self._checks.readiness()).ready
        try:
            address = self._process.address or await self._locate()
            self._process = replace(self._process, address=address, ready=ready)
            await self._registry.announce(self._process)
        except (RegistryUnavailable, OSError) as error:
            self._note("registry_unreachable", error)
        else:
            self._note("registered" if ready else "registered_as_not_ready")

    def _note(self, state: str, error: Exception | None = None) -> None:
        """Log a change, once."""
        LISTED.set(state == "registered")
        if state != self._state:
            self._state = state
            write = log.info if state == "registered" else log.warning
            write(state, endpoint=self._process.address, **({"error": error} if error else {}))


async def locate(host: str, port: int, registry_url: str) -> str:
    """Return where gateways reach a port; the host of all interfaces is that of the way to the registry."""
    found = await own_address(registry_url) if host in ALL_INTERFACES else host
    return f"[{found}]:{port}" if ":" in found else f"{found}:{port}"


async def own_address(url: str) -> str:
    """Return the address of this machine from which the server of a URL is reached; raise `OSError`."""
    parts = urlsplit(url)
    found = await asyncio.get_running_loop().getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM)
    family, kind, protocol, _, server = found[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.connect(server)  # chooses the interface, and sends nothing
        return str(probe.getsockname()[0])
