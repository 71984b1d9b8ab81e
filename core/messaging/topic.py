"""A topic of the broker, as the command that creates topics reports it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic with the settings that Bursar owns; it leaves all others as they are."""

    name: str
    partitions: int
    replicas: int
    settings: Mapping[str, str] = field(default_factory=dict)
    created: bool = False
    changed: Mapping[str, str] = field(default_factory=dict)
    """The former values of the settings that were corrected."""
