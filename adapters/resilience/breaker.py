"""aiobreaker 1.2.0 with its defects closed: each class says which one, and what it does instead."""

# mypy: disable-error-code="misc"
# aiobreaker has no types, and without this line nothing may inherit from what has no type.

from collections.abc import Awaitable, Callable
from typing import Any

from aiobreaker import CircuitBreaker, CircuitBreakerState
from aiobreaker.state import CircuitClosedState, CircuitHalfOpenState, CircuitOpenState
from aiobreaker.storage.memory import CircuitMemoryStorage

from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.sliding_window import MonotonicClock, SlidingWindow
from core.notifications.errors import Rejected, VendorUnavailable

PROBE_RETRY_AFTER_SECONDS = 1.0


class BreakerOpen(VendorUnavailable):
    """The breaker is open: nobody was asked."""


class SlidingRate(CircuitMemoryStorage):
    """Replaces a count of consecutive failures, which one success in between sets to nothing."""

    def __init__(self, policy: ResiliencePolicy, now: MonotonicClock) -> None:
        super().__init__(CircuitBreakerState.CLOSED)
        self._minimum_calls = policy.minimum_calls
        self._failure_percent = policy.failure_percent
        self.calls = SlidingWindow(policy.window_seconds, now)
        self.failures = SlidingWindow(policy.window_seconds, now)

    @property
    def percent(self) -> int:
        """How many of a hundred calls failed lately."""
        return len(self.failures) * 100 // max(len(self.calls), 1)

    @property
    def too_high(self) -> bool:
        """Whether enough calls were seen, and too many of them failed."""
        return len(self.calls) >= self._minimum_calls and self.percent >= self._failure_percent

    def reset_counter(self) -> None:
        """Begin anew: the breaker calls this when it closes."""
        self.calls.clear()
        self.failures.clear()


class Present:
    """Replaces a verdict on every call by one on calls of the present state, so that late failures prolong no rest.

    An excluded error says nothing, where it was a success; a success that took too long is a failure, where it was
    none; and every caller gets what the vendor said.
    """

    _breaker: Any

    async def call_async(self, call: Callable[..., Awaitable[Any]], *about: Any) -> Any:
        """Ask the vendor, and draw the conclusion unless the state has changed meanwhile."""
        began = self._breaker.now()
        try:
            answer = await call(*about)
        except Exception as error:
            if self._breaker.state is self and self._breaker.is_system_error(error):
                self.failed()
            raise
        if self._breaker.state is self:
            slow = self._breaker.now() - began > self._breaker.slow_seconds
            self.failed() if slow else self.succeeded()
        return answer

    def failed(self) -> None:
        """Draw the conclusion of a failure."""

    def succeeded(self) -> None:
        """Draw the conclusion of a success."""


class Closed(Present, CircuitClosedState):
    """Counts, and opens at a failure rate."""

    def failed(self) -> None:
        """Count, and open if it was one too many."""
        self._breaker.rate.calls.add()
        self._breaker.rate.failures.add()
        if self._breaker.rate.too_high:
            self._breaker.open()

    def succeeded(self) -> None:
        """Count."""
        self._breaker.rate.calls.add()


class Open(CircuitOpenState):
    """Replaces a wait that mixes naive `utcnow()` and `now()` by one on a time that never jumps."""

    @property
    def probes(self) -> int:
        """How many probes may pass now."""
        return int(self._breaker.rest == 0)

    def before_call(self, *_: object, **__: object) -> None:
        """Let one call on to half-open when the time has come, else raise `BreakerOpen`."""
        rest = self._breaker.rest
        if rest > 0:
            raise BreakerOpen(f"{self._breaker.name} rests after too many failures", retry_after=rest)


class HalfOpen(Present, CircuitHalfOpenState):
    """Replaces a door open to everyone by a permit for one probe, given back however the probe ends."""

    probes = 1

    async def call_async(self, call: Callable[..., Awaitable[Any]], *about: Any) -> Any:
        """Probe, or raise `BreakerOpen` while somebody else does."""
        if not self.probes:
            raise BreakerOpen(f"{self._breaker.name} is being probed", retry_after=PROBE_RETRY_AFTER_SECONDS)
        self.probes = 0
        try:
            return await super().call_async(call, *about)
        finally:
            self.probes = 1

    def failed(self) -> None:
        """Rest again."""
        self._breaker.open()

    def succeeded(self) -> None:
        """Trust again."""
        self._breaker.close()


STATES = {
    CircuitBreakerState.CLOSED: Closed,
    CircuitBreakerState.OPEN: Open,
    CircuitBreakerState.HALF_OPEN: HalfOpen,
}


class RateBreaker(CircuitBreaker):
    """The library's breaker, moving between the states above."""

    def __init__(self, name: str, policy: ResiliencePolicy, now: MonotonicClock) -> None:
        self.rate = SlidingRate(policy, now)
        self.slow_seconds = policy.slow_seconds
        self.now = now
        self._open_seconds = policy.open_seconds
        self._opened = 0.0
        super().__init__(exclude=[Rejected], state_storage=self.rate, name=name)

    @property
    def closed(self) -> bool:
        """Whether everybody may pass."""
        return self.current_state is CircuitBreakerState.CLOSED

    @property
    def probes(self) -> int:
        """How many may pass now to find out whether the vendor is well again; of no meaning while it is closed."""
        return int(self.state.probes)

    @property
    def rest(self) -> float:
        """Seconds until a probe may pass."""
        is_open = self.current_state is CircuitBreakerState.OPEN
        return max(self._opened + self._open_seconds - self.now(), 0.0) if is_open else 0.0

    def open(self) -> None:
        """Rest from now on; the library would call `utcnow()`, which Python 3.12 deprecates."""
        self._opened = self.now()
        self.state = self._state_storage.state = CircuitBreakerState.OPEN

    def _create_new_state(self, new_state: Any, prev_state: Any = None, notify: bool = False) -> Any:
        return STATES[new_state](self, prev_state=prev_state, notify=notify)
