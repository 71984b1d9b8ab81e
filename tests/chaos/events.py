"""Events of the test kit through the product's units of work, in the context `chaos`."""

from dataclasses import dataclass
from uuid import UUID

from core.kernel.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked(Event):
    """An aggregate with many events has a new one, for the check of their order."""

    CONTEXT = "chaos"
    MESSAGE_TYPE = "Ticked"


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectTaken(Event):
    """A message took effect; each has a new subject, so that only the inbox prevents duplicates."""

    CONTEXT = "chaos"
    MESSAGE_TYPE = "EffectTaken"

    message: UUID
