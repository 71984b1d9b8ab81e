"""The port of the registry: which processes run, and where a gateway reaches them."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.kernel.errors import Unavailable
from core.kernel.health import Probe


class RegistryUnavailable(Unavailable):
    """The registry does not answer, or refuses; the office works without it."""

    problem = "registry-unavailable"


@dataclass(frozen=True, slots=True)
class RegisteredProcess:
    """A process as it describes itself."""

    id: str
    serves: tuple[str, ...]
    address: str
    """`host:port` of its HTTP, which workers of `http.workers` share; empty for a process without HTTP."""
    version: str
    ready: bool
    """Whether its own checks pass; a gateway asks one that is not ready only if none is."""


class Registry(Protocol):
    """What processes say about themselves; each request has a time limit, and raises `RegistryUnavailable`."""

    @abstractmethod
    async def announce(self, process: RegisteredProcess) -> None:
        """List a process as it is now, until its time to live has passed."""

    @abstractmethod
    async def withdraw(self, process: RegisteredProcess) -> None:
        """Take a process off the list at once; nothing happens to one that is not on it."""

    @abstractmethod
    async def processes(self) -> Sequence[RegisteredProcess]:
        """Return what is listed, by id."""


class RegistryProbe(Probe):
    """Reads the list, as gateways do."""

    essential, deadline_seconds = False, 1.0
    remedy = "reach the registry or correct registry.url and its credentials; gateways keep the list that they have"

    def __init__(self, name: str, registry: Registry) -> None:
        self.name, self._registry = name, registry

    async def check(self) -> str:
        return f"lists {len(await self._registry.processes())} processes"


class RegistrationProbe(RegistryProbe):
    """Lists a process that serves nothing, and withdraws it: reading needs fewer privileges."""

    deadline_seconds = 5.0

    async def check(self) -> str:
        process = RegisteredProcess(f"probe-of-{self.name.partition(' ')[0]}", (), "", "", ready=False)
        await self._registry.announce(process)
        await self._registry.withdraw(process)
        return "takes registrations"
