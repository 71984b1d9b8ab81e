"""A vendor on localhost: its behaviour, and the messages it has accepted."""

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
    TAKE_AND_BREAK = auto()
    """Accepts the message; the proxy in front of it answers 502."""


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    to: str
    words: str
    id: str
    extra: Mapping[str, Any] = field(default_factory=dict)


class LocalVendor(Protocol):
    behaviour: VendorBehaviour
    calls: int
    taken: list[AcceptedMessage]

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def settings(self) -> Mapping[str, Any]:
        """Return the sections of the settings that name this server."""


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
