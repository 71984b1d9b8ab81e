"""The event that answers a refused command."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused(Event):
    """A command had no effect; each context announces its own descendant."""

    command: UUID
    """The id of the command's message."""
    problem: str
    """The type of the problem, the same as over HTTP."""
    detail: str
    field: str | None
    """The JSON path of the field that caused the refusal, when there is one."""
