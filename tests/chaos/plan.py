"""The plan of faults, determined by a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from tests.chaos.fault_points import POINTS

WORKERS = {"http": 2, "relay": 3, "consumer": 2, "dispatcher": 2, "scheduler": 1}
SHUTDOWN_GRACE_SECONDS = {"consumer": 18.0}
"""Seconds between two kills of a role: a consumer group needs ten to detect a dead member, and must make progress."""
FAULT_COOLDOWN_SECONDS = 4.0
"""Seconds between two heavy faults."""
PAUSE_BEYOND_LEASE_SECONDS = {"relay": 7.0, "dispatcher": 14.0, "consumer": 12.0, "http": 6.0}
"""Seconds for which a worker of a role is paused: longer than its lease or session."""


@dataclass(frozen=True, slots=True)
class Kill:
    """SIGKILL for one worker."""

    lane: ClassVar[str] = "kills"
    worker: str


@dataclass(frozen=True, slots=True)
class Point:
    """A signal for the next worker that reaches a fault point."""

    lane: ClassVar[str] = "kills"
    point: str
    signal: str = "SIGKILL"


@dataclass(frozen=True, slots=True)
class Pause:
    """SIGSTOP for one worker, and SIGCONT after a number of seconds."""

    lane: ClassVar[str] = "stops"
    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class NetworkFault:
    """A fault in the connections between a server and its clients."""

    lane: ClassVar[str] = "network"
    server: str
    kind: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Restart:
    """A server stops and starts again."""

    lane: ClassVar[str] = "restarts"
    server: str
    gently: bool = False


Fault = Kill | Point | Pause | NetworkFault | Restart


@dataclass(frozen=True, slots=True)
class Step:
    """A fault and its start, in seconds from the first submission."""

    at: float
    fault: Fault


def draw(seed: int, seconds: float, kills: int) -> Sequence[Step]:
    """Draw a plan: kills throughout, heavy faults one after another, light faults beside them."""
    chance = random.Random(seed)
    steps = [*deaths(chance, seconds, kills), *heavy(chance, seconds), *light(chance, seconds)]
    return sorted(steps, key=lambda step: step.at)


def deaths(chance: random.Random, seconds: float, kills: int) -> Iterator[Step]:
    """Alternate kills at a fault point and random kills; every point has its turn before one has its second."""
    crowd = [f"{role}-{number + 1}" for role, count in WORKERS.items() for number in range(count)]
    points, last = list[str](), dict[str, float]()
    for number in range(kills):
        at = 2 + (seconds - 2) * (number + chance.random()) / kills

        def too_soon(role: str, at: float = at) -> bool:
            return at - last.get(role, -60.0) < SHUTDOWN_GRACE_SECONDS.get(role, 0.0)

        points = points or chance.sample(list(POINTS), len(POINTS))
        ready = [point for point in points if not too_soon(POINTS[point])]
        if number % 2 == 0 and ready:
            points.remove(ready[0])
            last[POINTS[ready[0]]] = at
            yield Step(at, Point(ready[0]))
        else:
            worker = chance.choice([each for each in crowd if not too_soon(role_of(each))])
            last[role_of(worker)] = at
            yield Step(at, Kill(worker))


def heavy(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Schedule faults of the database and the broker, without overlaps and with a cooldown after each."""
    deck: list[Fault] = []
    at = 3.0
    while True:
        if not deck:
            deck = [Restart("mysql"), Restart("kafka", gently=chance.random() < 0.5)]
            deck += [
                NetworkFault(server, kind, 3.0) for server in ("mysql", "kafka") for kind in ("cut", "delay", "reset")
            ]
            deck.append(NetworkFault(chance.choice(["mysql", "kafka"]), chance.choice(["limit", "hang"]), 3.0))
            chance.shuffle(deck)
        fault = deck.pop()
        took = 6.0 if isinstance(fault, Restart) else 3.0
        if at + took > seconds:
            return
        yield Step(at, fault)
        at += took + FAULT_COOLDOWN_SECONDS * (0.8 + 0.4 * chance.random())


def light(chance: random.Random, seconds: float) -> Iterator[Step]:
    """Pause a worker beyond its lease, or schedule a fault of a vendor."""
    deck: list[Fault] = []
    at = 6.0
    while True:
        if not deck:
            deck = [Pause(f"{role}-{chance.randint(1, 2)}", past) for role, past in PAUSE_BEYOND_LEASE_SECONDS.items()]
            deck.append(Point("after_acknowledgement_before_delete", "SIGSTOP"))
            vendors, kinds = ("twilio", "ses"), ("cut", "reset", "mute", "hang")
            deck += [NetworkFault(vendor, kind, 2.0) for vendor in vendors for kind in kinds]
            chance.shuffle(deck)
        fault = deck.pop()
        took = fault.seconds if isinstance(fault, Pause | NetworkFault) else PAUSE_BEYOND_LEASE_SECONDS["relay"]
        if at + took > seconds:
            return
        yield Step(at, fault)
        at += took + 2 * chance.random()


def role_of(worker: str) -> str:
    """Return the role of a worker."""
    return worker.rpartition("-")[0]
