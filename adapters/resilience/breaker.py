"""The circuit breaker: aiobreaker 1.2.0 with corrections; each class names what it corrects."""

# mypy: disable-error-code="misc"
# aiobreaker has no types, and mypy refuses subclasses of untyped classes.

from collections.abc import Awaitable, Callable
from typing import Any

from aiobreaker import CircuitBreaker, CircuitBreakerState
from aiobreaker.state import CircuitClosedState, CircuitHalfOpenState, CircuitOpenState
from aiobreaker.storage.memory import CircuitMemoryStorage

from adapters.resilience.hold import Hold
from adapters.resilience.policy import ResiliencePolicy
from adapters.resilience.sliding_window import MonotonicClock, SlidingWindow
from core.kernel.vendor_errors import AccountFault, Rejected, VendorUnavailable
from core.notifications.errors import RecipientUnavailable

PROBE_RETRY_AFTER_SECONDS = 1.0


class BreakerOpen(VendorUnavailable):
    """The breaker is open; the vendor was not called."""


class SlidingRate(CircuitMemoryStorage):
    """A failure rate over a window; aiobreaker counts consecutive failures, which one success resets."""

    def __init__(self, policy: ResiliencePolicy, now: MonotonicClock) -> None:
        super().__init__(CircuitBreakerState.CLOSED)
        self._minimum_calls = policy.minimum_calls
        self._failure_percent = policy.failure_percent
        self.calls = SlidingWindow(policy.window_seconds, now)
        self.failures = SlidingWindow(policy.window_seconds, now)

    @property
    def percent(self) -> int:
        """The percentage of failed calls in the window."""
        return len(self.failures) * 100 // max(len(self.calls), 1)

    @property
    def too_high(self) -> bool:
        """Whether the window has the minimum of calls and the failure rate reached the limit."""
        return len(self.calls) >= self._minimum_calls and self.percent >= self._failure_percent

    def reset_counter(self) -> None:
        """Start with an empty window; the breaker calls this when it closes."""
        self.calls.clear()
        self.failures.clear()


class CurrentState:
    """Judges only calls that began in the current state, so that late failures do not prolong an open breaker.

    In contrast to aiobreaker, an excluded error counts as neither success nor failure, and a slow success as a
    failure.  The caller always gets the answer of the vendor.
    """

    _breaker: Any

    async def call_async(self, call: Callable[..., Awaitable[Any]], *about: Any) -> Any:
        """Call the vendor, and judge the call unless the state changed meanwhile."""
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
        """Take note of a failure."""

    def succeeded(self) -> None:
        """Take note of a success."""


class Closed(CurrentState, CircuitClosedState):
    """Counts calls, and opens at the failure rate."""

    def failed(self) -> None:
        """Count a failure, and open at the failure rate."""
        self._breaker.rate.calls.add()
        self._breaker.rate.failures.add()
        if self._breaker.rate.too_high:
            self._breaker.open()

    def succeeded(self) -> None:
        """Count a call."""
        self._breaker.rate.calls.add()


class Open(CircuitOpenState):
    """Waits on a monotonic clock; aiobreaker mixes naive `utcnow()` and `now()`."""

    @property
    def probes(self) -> int:
        """The number of probes that may pass now."""
        return int(self._breaker.cooldown_seconds == 0)

    def before_call(self, *_: object, **__: object) -> None:
        """Become half-open after the cooldown, else raise `BreakerOpen`."""
        wait = self._breaker.cooldown_seconds
        if wait > 0:
            raise BreakerOpen(f"{self._breaker.name} is not called after too many failures", retry_after=wait)


class HalfOpen(CurrentState, CircuitHalfOpenState):
    """Lets one probe pass at a time; aiobreaker lets every call pass."""

    probes = 1

    async def call_async(self, call: Callable[..., Awaitable[Any]], *about: Any) -> Any:
        """Call as the probe, or raise `BreakerOpen` while another probe runs."""
        if not self.probes:
            raise BreakerOpen(f"{self._breaker.name} is being probed", retry_after=PROBE_RETRY_AFTER_SECONDS)
        self.probes = 0
        try:
            return await super().call_async(call, *about)
        finally:
            self.probes = 1

    def failed(self) -> None:
        """Open again."""
        self._breaker.open()

    def succeeded(self) -> None:
        """Close."""
        self._breaker.close()


STATES = {
    CircuitBreakerState.CLOSED: Closed,
    CircuitBreakerState.OPEN: Open,
    CircuitBreakerState.HALF_OPEN: HalfOpen,
}


class RateBreaker(CircuitBreaker):
    """The breaker of one vendor, with the states of this module; a hold also keeps calls back."""

    def __init__(self, name: str, policy: ResiliencePolicy, now: MonotonicClock) -> None:
        self.rate = SlidingRate(policy, now)
        self.hold = Hold(name, policy.account_hold_seconds, now)
        self.slow_seconds = policy.slow_seconds
        self.now = now
        self._open_seconds = policy.open_seconds
        self._opened = 0.0
        super().__init__(exclude=[Rejected, RecipientUnavailable, AccountFault], state_storage=self.rate, name=name)

    @property
    def closed(self) -> bool:
        """Whether every call may pass."""
        return self.current_state is CircuitBreakerState.CLOSED and not self.hold.active

    @property
    def probes(self) -> int:
        """The number of probes that may pass now; undefined while every call may pass."""
        by_state = 1 if self.current_state is CircuitBreakerState.CLOSED else int(self.state.probes)
        return min(by_state, self.hold.probes) if self.hold.active else by_state

    @property
    def cooldown_seconds(self) -> float:
        """Seconds until the breaker is open no longer, 0 unless open."""
        is_open = self.current_state is CircuitBreakerState.OPEN
        return max(self._opened + self._open_seconds - self.now(), 0.0) if is_open else 0.0

    @property
    def rest_seconds(self) -> float:
        """Seconds until a probe may pass: until the breaker is open no longer, and the hold ends."""
        return max(self.cooldown_seconds, self.hold.seconds)

    def open(self) -> None:
        """Open; aiobreaker would call `utcnow()`, which Python 3.12 deprecates."""
        self._opened = self.now()
        self.state = self._state_storage.state = CircuitBreakerState.OPEN

    def _create_new_state(self, new_state: Any, prev_state: Any = None, notify: bool = False) -> Any:
        return STATES[new_state](self, prev_state=prev_state, notify=notify)
