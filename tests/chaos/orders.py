"""What the kit and its fork server say to each other: lines of JSON."""

from typing import Any

import msgspec


class Order(msgspec.Struct, tag=True):
    """Fork a worker."""

    name: str
    """`relay-2`: who it is, in logs and plans."""
    role: str
    """What `bursar serve` would be told to serve, or a task of the kit's own."""
    settings: dict[str, Any]
    """The configuration, as a TOML file would give it."""
    folder: str
    """Where its log goes, and where fault points are armed."""
    sabotage: str = ""
    """A promise that this worker breaks, so that the kit has something to find."""
    task: dict[str, Any] = {}
    """What a task of the kit's own needs to know."""


class Signal(msgspec.Struct, tag=True):
    """Send a worker a signal."""

    pid: int
    number: int


class Forked(msgspec.Struct, tag=True):
    """A worker runs."""

    name: str
    pid: int


class Ended(msgspec.Struct, tag=True):
    """A worker runs no more."""

    name: str
    pid: int
    code: int
    """Its exit code; of a signal, the number below zero."""
