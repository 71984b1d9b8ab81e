"""A vendor on localhost: what it is in the mood for, and what it took over."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Protocol


class VendorBehaviour(Enum):
    ACCEPT = auto()
    THROTTLE = auto()
    BREAK = auto()
    REJECT = auto()
    DENY_US = auto()
    FALL_SILENT = auto()
    HANG_UP = auto()
    BABBLE = auto()


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    to: str
    words: str
    id: str
    extra: Mapping[str, Any] = field(default_factory=dict)


class LocalVendor(Protocol):
    mood: VendorBehaviour
    calls: int
    taken: list[AcceptedMessage]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def settings(self) -> Mapping[str, Any]:
        """Return the sections of the settings that lead here."""


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
