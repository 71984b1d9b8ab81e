"""Virtual time: the event loop advances its clock instead of waiting."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, TypeVar

from adapters.resilience.chain import resilient
from adapters.resilience.policy import ResiliencePolicy
from config.sections.vendors import Resilience
from core.notifications.delivery import Channel
from core.notifications.messages import Accepted, DeliveryId, Email, Sms
from core.notifications.ports import Sender
from tests.examples import NOON, StoppedClock
from tests.unit.notifications.harness import NotificationsHarness
from tests.unit.virtual_time_loop import VirtualTimeLoop

T = TypeVar("T")


class VirtualClock(StoppedClock):
    def now(self) -> Any:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time())


def run_in_virtual_time(story: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(story())


def now() -> float:
    return asyncio.get_running_loop().time()


class SimulatedVendor(Sender[Any]):
    """A vendor that responds after a twentieth of a second, with a behaviour that depends on the time."""

    def __init__(self, behaviour: Callable[[float], Exception | None] = lambda _: None) -> None:
        self.behaviour, self.seconds = behaviour, 0.05
        self.calls: list[float] = []
        self.accepted: list[DeliveryId] = []
        self.refusals: dict[DeliveryId, Exception] = {}

    async def send(self, message: Email | Sms) -> Accepted:
        self.calls.append(now())
        if trouble := self.refusals.get(message.delivery) or self.behaviour(now()):
            raise trouble
        await asyncio.sleep(self.seconds)
        self.accepted.append(message.delivery)
        return Accepted("distant", f"id-{len(self.accepted)}")

    def calls_between(self, begin: float, end: float) -> int:
        return sum(begin <= at < end for at in self.calls)


def virtual_time_harness(
    email: list[SimulatedVendor], sms: list[SimulatedVendor] | None = None, **limits: Any
) -> NotificationsHarness:
    """Return a harness in virtual time, with vendors behind the real resilience chain."""
    harness, clock = NotificationsHarness(), VirtualClock()
    harness.clock = clock
    harness.notify = replace(harness.notify, clock=clock)
    harness.expire = replace(harness.expire, clock=clock)
    policy = ResiliencePolicy(
        **{field.name: getattr(Resilience(), field.name) for field in fields(ResiliencePolicy)} | limits
    )

    def outlet(channel: Channel, vendors: list[SimulatedVendor]) -> Any:
        named = {f"vendor-{number}": vendor for number, vendor in enumerate(vendors)}
        return resilient(channel, tuple(named), named.__getitem__, policy, clock, harness.attempt_log, now=now)

    harness.dispatch = replace(
        harness.dispatch,
        clock=clock,
        leases=dict.fromkeys(Channel, timedelta(minutes=5)),
        email=outlet(Channel.EMAIL, email),
        sms=outlet(Channel.SMS, sms or [SimulatedVendor()]),
    )
    return harness
