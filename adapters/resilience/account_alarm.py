"""Raises an alarm when a vendor refuses our account: a metric, a log line and the standing of the vendor."""

import structlog

from adapters.resilience.metrics import ACCOUNT_FAULTS
from adapters.resilience.sliding_window import MonotonicClock
from core.kernel.vendor_errors import AccountFault
from core.notifications.errors import RecipientNotAllowed

log = structlog.get_logger()
LOG_INTERVAL_SECONDS = 60.0
SHOWN_SECONDS = 900.0
"""How long the standing shows the last fault; a fault of the whole account is repeated before."""


class AccountAlarm:
    """The faults of our account at one vendor, which calls wait for."""

    def __init__(self, channel: str, vendor: str, now: MonotonicClock) -> None:
        self._channel, self._vendor, self._now = channel, vendor, now
        self._faults = ACCOUNT_FAULTS.labels(channel, vendor)
        self._last, self._last_at, self._logged_at = "", -SHOWN_SECONDS, -LOG_INTERVAL_SECONDS

    @property
    def reason(self) -> str:
        """The last fault, empty if there is no recent one."""
        return self._last if self._now() < self._last_at + SHOWN_SECONDS else ""

    def note(self, error: Exception) -> None:
        """Count a fault of the account, and log one per minute; other errors are no fault."""
        if not isinstance(error, AccountFault | RecipientNotAllowed):
            return
        self._faults.inc()
        self._last, self._last_at = str(error), self._now()
        if self._now() >= self._logged_at + LOG_INTERVAL_SECONDS:
            self._logged_at = self._now()
            log.error("vendor_refuses_our_account", channel=str(self._channel), vendor=self._vendor, answer=self._last)
