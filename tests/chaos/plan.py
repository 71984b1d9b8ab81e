"""The plan of faults, determined by a seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.fault_points import POINTS
from tests.chaos.faults import (
    COMMON_SERVER_FAULTS,
    PAUSE_BEYOND_LEASE_SECONDS,
    RARE_SERVER_FAULTS,
    SERVERS,
    VENDOR_FAULTS,
    VENDORS,
    WORKERS,
    Fault,
    Kill,
    NetworkFault,
    Pause,
    Point,
    Restart,
    every_fault,
    role_of,
)

SHUTDOWN_GRACE_SECONDS = {"consumer": 18.0}
"""Seconds between two kills of a role: a consumer group needs ten to detect a dead member, and must make progress."""
FAULT_COOLDOWN_SECONDS = 4.0
"""Seconds between two heavy faults."""


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
            deck = [Restart("mysql"), Restart("broker", gently=chance.random() < 0.5)]
            deck += [NetworkFault(server, kind, 3.0) for server in SERVERS for kind in COMMON_SERVER_FAULTS]
            deck.append(NetworkFault(chance.choice(SERVERS), chance.choice(RARE_SERVER_FAULTS), 3.0))
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
            deck += [NetworkFault(vendor, kind, 2.0) for vendor in VENDORS for kind in VENDOR_FAULTS]
            chance.shuffle(deck)
        fault = deck.pop()
        took = fault.seconds if isinstance(fault, Pause | NetworkFault) else PAUSE_BEYOND_LEASE_SECONDS["relay"]
        if at + took > seconds:
            return
        yield Step(at, fault)
        at += took + 2 * chance.random()


def repeated(name: str, seconds: float) -> Sequence[Step]:
    """Return a plan that has one fault again and again, with time to recover from each."""
    fault = every_fault()[name]
    took = getattr(fault, "seconds", 0.0) + SHUTDOWN_GRACE_SECONDS["consumer"]
    return [Step(2 + number * took, fault) for number in range(max(1, int(seconds // took)))]
