"""What the kit announces through the fee office's own units of work, in a context of its own: `chaos`."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Event):
    """An aggregate with many events had one more, so that their order can be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTaken(Event):
    """A message took effect.  Nothing makes it unique but the inbox: its subject is a new one each time."""

    message: UUID
