"""Time that passes as fast as nobody works: an hour of waiting takes no time, and nothing is ever late."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, TypeVar

from adapters.resilience.chain import resilient
from adapters.resilience.policy import ResiliencePolicy
from config.settings import Resilience
from core.notifications.delivery import Channel
from core.notifications.messages import Accepted, DeliveryId, Email, Sms
from core.notifications.ports import Sender
from tests.examples import NOON, StoppedClock
from tests.unit.notifications.harness import NotificationsHarness

T = TypeVar("T")


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that sets its clock forward to the next timer when everybody waits."""

    _passed = 0.0

    def time(self) -> float:
        return self._passed

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            # A little later, for a loop may wake a hair too early, and would do so for ever.
            self._passed = max(self._passed, self._scheduled[0].when()) + 1e-6  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


class VirtualClock(StoppedClock):
    def now(self) -> Any:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def warped(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Tell a story in warped time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story())


def now() -> float:
    return asyncio.get_running_loop().time()


class SimulatedVendor(Sender[Any]):
    """A vendor that takes a twentieth of a second, and has its moods by the clock."""

    def __init__(self, mood: Callable[[float], Exception | None] = lambda _: None) -> None:
        self.mood, self.seconds = mood, 0.05
        self.calls: list[float] = []
        self.accepted: list[DeliveryId] = []

    async def send(self, message: Email | Sms) -> Accepted:
        self.calls.append(now())
        if trouble := self.mood(now()):
            raise trouble
        await asyncio.sleep(self.seconds)
        self.accepted.append(message.delivery)
        return Accepted("distant", f"id-{len(self.accepted)}")

    def calls_between(self, begin: float, end: float) -> int:
        return sum(begin <= at < end for at in self.calls)


def virtual_time_harness(
    email: list[SimulatedVendor], sms: list[SimulatedVendor] | None = None, **limits: Any
) -> NotificationsHarness:
    """Return a post room on the time of the loop, whose vendors stand behind the real chain."""
    room, clock = NotificationsHarness(), VirtualClock()
    room.clock = clock
    policy = ResiliencePolicy(
        **{field.name: getattr(Resilience(), field.name) for field in fields(ResiliencePolicy)} | limits
    )

    def outlet(channel: Channel, vendors: list[SimulatedVendor]) -> Any:
        named = {f"vendor-{number}": vendor for number, vendor in enumerate(vendors)}
        return resilient(channel, tuple(named), named.__getitem__, policy, clock, room.journal, now=now)

    room.dispatch = replace(
        room.dispatch,
        clock=clock,
        lease=timedelta(minutes=5),
        email=outlet(Channel.EMAIL, email),
        sms=outlet(Channel.SMS, sms or [SimulatedVendor()]),
    )
    return room
