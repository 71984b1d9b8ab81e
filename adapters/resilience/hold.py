"""Holds back every message to a vendor after an answer that the next message would get too."""

from adapters.resilience.sliding_window import MonotonicClock
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, VendorUnavailable
from core.notifications.errors import RecipientUnavailable

STREAK_LENGTH = 50
STREAK_HOLD_SECONDS = 0.1
"""After so many refused recipients without an accepted message between them, ten messages per second are sent: the
refusals may be about all recipients, and each attempt is stored; or a thousand of one domain are greylisted."""
PROBE_RETRY_AFTER_SECONDS = 1.0


class VendorHeld(VendorUnavailable):
    """Messages to the vendor are held back; the vendor was not called."""


class Hold:
    """The time until the next call of a vendor may begin; one message at a time passes until one is accepted."""

    def __init__(self, vendor: str, account_hold_seconds: float, now: MonotonicClock) -> None:
        self._vendor, self._account_hold_seconds, self._now = vendor, account_hold_seconds, now
        self._until: float | None = None
        self._probing = False
        self._refused_recipients = 0
        self.reason = ""
        """The answer for which messages are held back; empty without a hold."""

    @property
    def active(self) -> bool:
        """Whether messages are held back, or one of them probes the vendor."""
        return self._until is not None

    @property
    def seconds(self) -> float:
        """The seconds until the next message may pass."""
        return max(self._until - self._now(), 0.0) if self._until is not None else 0.0

    @property
    def probes(self) -> int:
        """How many messages may pass now; undefined without a hold."""
        return int(self.seconds == 0 and not self._probing)

    def enter(self) -> bool:
        """Return whether the caller is the probe; raise `VendorHeld` where it may not call."""
        if not self.active:
            return False
        if not self.probes:
            wait = self.seconds or PROBE_RETRY_AFTER_SECONDS
            raise VendorHeld(f"{self._vendor} is held back: {self.reason}", retry_after=wait)
        self._probing = True
        return True

    def leave(self, *, probe: bool) -> None:
        """End the call of a probe."""
        self._probing = self._probing and not probe

    def note_accepted(self, *, probe: bool) -> None:
        """End the hold if the probe was accepted; a call from before the hold says nothing about it."""
        self._refused_recipients = 0
        if probe:
            self._until, self.reason = None, ""

    def note_failed(self, error: Exception) -> None:
        """Begin or prolong the hold, if the error is not about one message."""
        if seconds := self._seconds_after(error):
            self._until = max(self._until or 0.0, self._now() + seconds)
            self.reason = str(error)

    def _seconds_after(self, error: Exception) -> float:
        if isinstance(error, RecipientUnavailable):
            self._refused_recipients += 1
            return STREAK_HOLD_SECONDS if self._refused_recipients >= STREAK_LENGTH else 0.0
        if isinstance(error, AccountFault):
            return max(self._account_hold_seconds, error.retry_after or 0.0)
        if isinstance(error, VendorUnavailable | OutcomeUnknown):
            return error.retry_after or 0.0
        return 0.0
