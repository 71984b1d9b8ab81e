"""The faults of the kit, by the names that the last line of a run gives them."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.chaos.fault_points import POINTS

WORKERS = {"http": 2, "relay": 3, "consumer": 2, "dispatcher": 2, "scheduler": 1}
PAUSE_BEYOND_LEASE_SECONDS = {"relay": 7.0, "dispatcher": 14.0, "consumer": 12.0, "http": 6.0}
"""Seconds for which a worker of a role is paused: longer than its lease or session."""
SERVERS, VENDORS = ("mysql", "broker"), ("twilio", "ses")
COMMON_SERVER_FAULTS, RARE_SERVER_FAULTS = ("cut", "delay", "reset"), ("limit", "hang")
VENDOR_FAULTS = ("cut", "reset", "mute", "hang")


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL for one worker."""

    worker: str

    @property
    def name(self) -> str:
        """Return its name in the last line of a run."""
        return f"kill_{role_of(self.worker)}"


@dataclass(frozen=True, slots=True)
class Point:
    """A signal for the next worker that reaches a fault point."""

    point: str
    signal: str = "SIGKILL"

    @property
    def name(self) -> str:
        """Return its name in the last line of a run."""
        return self.point if self.signal == "SIGKILL" else f"asleep_{self.point}"


@dataclass(frozen=True, slots=True)
class Pause:
    """SIGSTOP for one worker, and SIGCONT after a number of seconds."""

    worker: str
    seconds: float

    @property
    def name(self) -> str:
        """Return its name in the last line of a run."""
        return f"stop_{role_of(self.worker)}"


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """A fault in the connections between a server and its clients."""

    server: str
    kind: str
    seconds: float

    @property
    def name(self) -> str:
        """Return its name in the last line of a run."""
        return f"{self.server}_{self.kind}"


@dataclass(frozen=True, slots=True)
class Restart:
    """A server stops and starts again."""

    server: str
    gently: bool = False

    @property
    def name(self) -> str:
        """Return its name in the last line of a run."""
        return f"{self.server}_restart" if self.gently else f"{self.server}_killed"


Fault = Kill | Point | Pause | NetworkFault | Restart


def every_fault() -> Mapping[str, Fault]:
    """Return each fault that a plan can have, by name."""
    faults: list[Fault] = [Kill(f"{role}-1") for role in WORKERS]
    faults += [Pause(f"{role}-1", seconds) for role, seconds in PAUSE_BEYOND_LEASE_SECONDS.items()]
    faults += [*map(Point, POINTS), Point("after_acknowledgement_before_delete", "SIGSTOP")]
    faults += [NetworkFault(name, kind, 3.0) for name in SERVERS for kind in COMMON_SERVER_FAULTS + RARE_SERVER_FAULTS]
    faults += [NetworkFault(name, kind, 2.0) for name in VENDORS for kind in VENDOR_FAULTS]
    faults += [Restart("mysql"), Restart("broker"), Restart("broker", gently=True)]
    return {fault.name: fault for fault in faults}


def role_of(worker: str) -> str:
    """Return the role of a worker."""
    return worker.rpartition("-")[0]
