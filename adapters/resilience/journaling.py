"""A sender whose every call is written down."""

from typing import Generic

from adapters.resilience.budget import RetryBudget
from adapters.resilience.messages import M
from adapters.resilience.metrics import CALLS
from core.kernel.clock import Clock
from core.notifications.attempt_log import Attempt, AttemptLog, AttemptOutcome
from core.notifications.delivery import Channel
from core.notifications.errors import Rejected, VendorUnavailable
from core.notifications.messages import Accepted
from core.notifications.ports import Sender


class Journaling(Sender[M], Generic[M]):
    """Note in the journal, and count, what each call came to, also one that was cut short."""

    def __init__(
        self, inner: Sender[M], channel: Channel, vendor: str, clock: Clock, journal: AttemptLog, budget: RetryBudget
    ) -> None:
        self._inner = inner
        self._budget = budget
        self._vendor = vendor
        self._clock = clock
        self._journal = journal
        self._calls = {outcome: CALLS.labels(channel, vendor, outcome) for outcome in AttemptOutcome}

    async def send(self, message: M) -> Accepted:
        self._budget.call()
        try:
            accepted = await self._inner.send(message)
        except BaseException as error:  # a cancelled call may have reached the vendor as well
            self._note(message, meaning(error), str(error) or type(error).__name__)
            raise
        self._note(message, AttemptOutcome.ACCEPTED, accepted.id)
        return accepted

    def _note(self, message: M, outcome: AttemptOutcome, detail: str) -> None:
        attempt = Attempt(at=self._clock.now(), vendor=self._vendor, outcome=outcome, detail=detail)
        self._journal.note(message.delivery, attempt)
        self._calls[outcome].inc()


def meaning(error: BaseException) -> AttemptOutcome:
    """Return what an error says about the message; anything unexpected leaves that open."""
    if isinstance(error, Rejected):
        return AttemptOutcome.REJECTED
    return AttemptOutcome.UNAVAILABLE if isinstance(error, VendorUnavailable) else AttemptOutcome.UNKNOWN
