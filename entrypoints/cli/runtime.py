"""The runtime that commands work with, as a port."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from core.kernel.clock import Clock
    from core.kernel.health import Probe
    from core.kernel.idempotency import Answers
    from core.kernel.registry import Registry
    from core.kernel.schema import SchemaChange
    from core.messaging.office_figures import OfficeFigures
    from core.messaging.outbox import Backlog
    from core.notifications.delivery_figures import DeliveryFigures
    from core.use_cases import UseCases


@dataclass(frozen=True, slots=True)
class StartupReport:
    """What a runtime reports when it starts to serve."""

    url: str
    """The address of HTTP; empty when this process does not serve HTTP."""
    warnings: Sequence[str]
    """What is missing, and the remedy."""
    api_key: str = field(default="", repr=False)
    """The API key of the first administrator, if this start created it."""
    key_file: str = ""
    """Where that key is kept, if the file exists."""


@dataclass(frozen=True, slots=True)
class AfterRestore:
    """What was changed for a restored database."""

    deliveries_in_doubt: int
    rewound: Mapping[str, int]
    """The messages that are read again, by topic and partition."""


class Runtime(Protocol):
    """Use cases and transports as one configuration describes them."""

    use_cases: UseCases
    answers: Answers
    backlog: Backlog
    figures: OfficeFigures
    delivery_figures: DeliveryFigures
    clock: Clock
    registry: Registry | None
    """Where processes say that they are ready; None where the settings name none."""

    @abstractmethod
    def probes(self) -> Sequence[Probe]:
        """Return a probe for each dependency that the configuration names, vendors included, and for its setup."""

    @abstractmethod
    def described_settings(self) -> Mapping[str, Any]:
        """Return the settings without secrets and data of persons."""

    @abstractmethod
    def masked(self, text: str) -> str:
        """Return a text without the secrets of the settings, mailboxes and telephone numbers."""

    @abstractmethod
    async def provision(self) -> None:
        """Migrate and fill an empty database where the configuration says so; a filled one stays as it is."""

    @abstractmethod
    async def migrate(self, target: str, *, may_lose_data: bool = False) -> SchemaChange:
        """Migrate the schema to `target`; raise `DataWouldBeLost` unless it may."""

    @abstractmethod
    async def topics(self) -> Sequence[Any]:
        """Create the missing topics, and return all."""

    @abstractmethod
    async def back_up(self, target: Path) -> int:
        """Copy the SQLite database into a new file, and return its bytes; raise `Invalid` for another database."""

    @abstractmethod
    async def after_restore(self, moment: datetime) -> AfterRestore:
        """Doubt what was pending at `moment`, and move the consumer group back to it."""

    @abstractmethod
    async def serve(self, on_started: Callable[[StartupReport], Awaitable[None]], stop: asyncio.Event) -> None:
        """Serve what the configuration names until `stop` is set; call `on_started` once everything listens."""


OpenRuntime = Callable[[Path | None, Mapping[str, Any]], AbstractAsyncContextManager[Runtime]]
"""Opens the runtime of a configuration file, of the local profile without one; a mapping overrides settings."""
