"""Records every call to a vendor."""

from typing import Generic

from adapters.resilience.budget import RetryBudget
from adapters.resilience.calls import A, Caller, M, Q
from adapters.resilience.metrics import CALLS
from core.kernel.clock import Clock
from core.kernel.vendor_errors import Rejected, VendorUnavailable
from core.notifications.attempt_log import Attempt, AttemptLog, AttemptOutcome
from core.notifications.errors import RecipientUnavailable
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Counting(Caller[Q, A], Generic[Q, A]):
    """Counts the calls for the retry budget, and their outcomes, including cancelled ones, in the metrics."""

    def __init__(self, inner: Caller[Q, A], channel: str, vendor: str, budget: RetryBudget) -> None:
        self._inner = inner
        self._budget = budget
        self._calls = {outcome: CALLS.labels(channel, vendor, outcome) for outcome in AttemptOutcome}

    async def send(self, request: Q) -> A:
        self._budget.call()
        try:
            answer = await self._inner.send(request)
        except BaseException as error:  # a cancelled call may have reached the vendor
            self._calls[outcome_of(error)].inc()
            raise
        self._calls[AttemptOutcome.ACCEPTED].inc()
        return answer


class Journaling(Sender[M], Generic[M]):
    """Adds the outcome of each call, including a cancelled one, to the attempt log."""

    def __init__(self, inner: Caller[M, Accepted], vendor: str, clock: Clock, attempt_log: AttemptLog) -> None:
        self._inner = inner
        self._vendor = vendor
        self._clock = clock
        self._attempt_log = attempt_log

    async def send(self, message: M) -> Accepted:
        try:
            accepted = await self._inner.send(message)
        except BaseException as error:
            self._record(message, outcome_of(error), str(error) or type(error).__name__)
            raise
        self._record(message, AttemptOutcome.ACCEPTED, accepted.id)
        return accepted

    def _record(self, message: M, outcome: AttemptOutcome, detail: str) -> None:
        attempt = Attempt(at=self._clock.now(), vendor=self._vendor, outcome=outcome, detail=detail)
        self._attempt_log.record(message.delivery, attempt)


def outcome_of(error: BaseException) -> AttemptOutcome:
    """Return the outcome that an error means; an unexpected error means an unknown outcome."""
    if isinstance(error, Rejected):
        return AttemptOutcome.REJECTED
    not_done = isinstance(error, VendorUnavailable | RecipientUnavailable)
    return AttemptOutcome.UNAVAILABLE if not_done else AttemptOutcome.UNKNOWN
