"""The protocol between the test kit and its fork server: lines of JSON."""

from typing import Any

import msgspec


class Order(msgspec.Struct, tag=True):
    """Fork a worker."""

    name: str
    """The name in logs and plans: `relay-2`."""
    role: str
    """The value of the setting `serve`, or a task of the test kit."""
    settings: dict[str, Any]
    """The configuration, as in a TOML file."""
    folder: str
    """The paths of its log and of the armed fault points."""
    sabotage: str = ""
    """A guarantee that this worker violates on purpose."""
    task: dict[str, Any] = {}
    """The arguments of a task of the test kit."""


class Signal(msgspec.Struct, tag=True):
    """Send a worker a signal."""

    pid: int
    number: int


class Forked(msgspec.Struct, tag=True):
    """A worker has started."""

    name: str
    pid: int


class Ended(msgspec.Struct, tag=True):
    """A worker has ended."""

    name: str
    pid: int
    code: int
    """Its exit code; negative: the number of the signal."""
