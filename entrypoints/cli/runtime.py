"""What the commands need of the fee office."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.kernel.clock import Clock
from core.kernel.health import Probe
from core.kernel.idempotency import Answers
from core.messaging.outbox import Backlog


@dataclass(frozen=True, slots=True)
class StartupReport:
    """A fee office that is open."""

    url: str
    """Where HTTP is answered; empty when this process does not."""
    warnings: Sequence[str]
    """What is missing, and what to do about it."""


class Runtime(Protocol):
    """A fee office as one configuration describes it."""

    use_cases: Mapping[str, Callable[..., Any]]
    answers: Answers
    backlog: Backlog
    clock: Clock
    probes: Sequence[Probe]
    """Everything the configuration names, vendors included."""

    @abstractmethod
    async def provision(self) -> None:
        """Make an empty database usable, where the configuration says so; one in use stays as it is."""

    @abstractmethod
    async def migrate(self, target: str) -> str:
        """Move the schema, and return its newest version."""

    @abstractmethod
    async def topics(self) -> Sequence[Any]:
        """Create the topics that are missing, and return all."""

    @abstractmethod
    async def serve(self, opened: Callable[[StartupReport], Awaitable[None]], stop: asyncio.Event) -> None:
        """Serve what the configuration names until `stop` is set; tell `opened` when it begins."""


OpenRuntime = Callable[[Path | None, Mapping[str, Any]], AbstractAsyncContextManager[Runtime]]
"""Opens the office of a configuration file, the local one without; a mapping overrides parts of it."""
