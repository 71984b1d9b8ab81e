"""aiobreaker 1.2.0 with its defects closed: each class says which one, and what it does instead."""

# mypy: disable-error-code="misc"
# aiobreaker has no types, and without this line nothing may inherit from what has no type.

from typing import Any, NoReturn

from aiobreaker import CircuitBreaker, CircuitBreakerState
from aiobreaker.state import CircuitClosedState, CircuitHalfOpenState, CircuitOpenState
from aiobreaker.storage.memory import CircuitMemoryStorage

from adapters.resilience.policy import Policy
from adapters.resilience.window import Now, Window
from core.notifications.errors import Rejected, VendorUnavailable

PROBE_SECONDS = 1.0


class Resting(VendorUnavailable):
    """The breaker is open: nobody was asked."""


class SlidingRate(CircuitMemoryStorage):
    """Replaces a count of consecutive failures, which one success in between sets to nothing."""

    def __init__(self, policy: Policy, now: Now) -> None:
        super().__init__(CircuitBreakerState.CLOSED)
        self._minimum_calls = policy.minimum_calls
        self._failure_percent = policy.failure_percent
        self.calls = Window(policy.window_seconds, now)
        self.failures = Window(policy.window_seconds, now)

    @property
    def too_high(self) -> bool:
        """Whether enough calls were seen, and too many of them failed."""
        calls = len(self.calls)
        return calls >= self._minimum_calls and len(self.failures) * 100 >= calls * self._failure_percent

    def reset_counter(self) -> None:
        """Begin anew: the breaker calls this when it closes."""
        self.calls.clear()
        self.failures.clear()


class Present:
    """Replaces a verdict on every call by one on calls of the present state, so that late failures prolong no rest.

    An excluded error says nothing, where it was a success; and every caller gets the vendor's own error.
    """

    _breaker: Any

    def _handle_error(self, _: object, error: Exception) -> NoReturn:
        if self._breaker.state is self and self._breaker.is_system_error(error):
            self.failed()
        raise error

    def _handle_success(self) -> None:
        if self._breaker.state is self:
            self.succeeded()

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


class Open(Present, CircuitOpenState):
    """Replaces a wait that mixes naive `utcnow()` and `now()` by one on a time that never jumps."""

    def before_call(self, *_: object, **__: object) -> None:
        """Let one call on to half-open when the time has come, else raise `Resting`."""
        rest = self._breaker.rest
        if rest > 0:
            raise Resting(f"{self._breaker.name} rests after too many failures", retry_after=rest)


class HalfOpen(Present, CircuitHalfOpenState):
    """Replaces a door open to everyone by a permit for one probe, given back however the probe ends."""

    _probing = False

    async def call_async(self, *call: Any, **words: Any) -> Any:
        """Probe, or raise `Resting` while somebody else does."""
        if self._probing:
            raise Resting(f"{self._breaker.name} is being probed", retry_after=PROBE_SECONDS)
        self._probing = True
        try:
            return await super().call_async(*call, **words)
        finally:
            self._probing = False

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

    def __init__(self, name: str, policy: Policy, now: Now) -> None:
        self.rate = SlidingRate(policy, now)
        self._open_seconds = policy.open_seconds
        self._now = now
        self._opened = 0.0
        super().__init__(exclude=[Rejected], state_storage=self.rate, name=name)

    @property
    def rest(self) -> float:
        """Seconds until a probe may pass."""
        return self._opened + self._open_seconds - self._now()

    def open(self) -> None:
        """Rest from now on; the library would call `utcnow()`, which Python 3.12 deprecates."""
        self._opened = self._now()
        self.state = self._state_storage.state = CircuitBreakerState.OPEN

    def _create_new_state(self, new_state: Any, prev_state: Any = None, notify: bool = False) -> Any:
        return STATES[new_state](self, prev_state=prev_state, notify=notify)
