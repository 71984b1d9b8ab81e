"""The meaning of a vendor's HTTP answer, by the vendor's own table of error codes."""

from collections.abc import Callable, Mapping
from enum import Enum, auto

from core.kernel.errors import CoreError
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.errors import RecipientNotAllowed, RecipientUnavailable

TOO_EARLY, TOO_MANY_REQUESTS = 425, 429
FORBIDDEN, REQUEST_TIMEOUT = 403, 408
STATUSES_OF_THE_ACCOUNT = (401, 404, 405, 407)


class About(Enum):
    """What a refusal is about; each of them proves that the message was not accepted, except `UNKNOWN`."""

    MESSAGE = auto()
    """This message or recipient, for good."""
    RECIPIENT = auto()
    """This recipient, for now."""
    ALLOWANCE = auto()
    """Our account or path, perhaps for this message only: a region, a trial account, a relay, a proxy that filters."""
    ACCOUNT = auto()
    """Our account, sender or path, whatever the message."""
    VENDOR = auto()
    """The vendor: overload or throttling."""
    UNKNOWN = auto()
    """The vendor may have accepted the message."""


ERRORS: Mapping[About, Callable[[str], CoreError]] = {
    About.MESSAGE: Rejected,
    About.RECIPIENT: RecipientUnavailable,
    About.ALLOWANCE: RecipientNotAllowed,
    About.ACCOUNT: AccountFault,
    About.VENDOR: VendorUnavailable,
    About.UNKNOWN: OutcomeUnknown,
}


def refusal(status: int, retry_after: float | None, named: About | None, *, structured: bool, detail: str) -> CoreError:
    """Return the error that an answer without an acceptance means; `named` is the class of its code in the table.

    A server error proves nothing: the vendor behind a proxy may have accepted the message.  A client error without
    the vendor's own structure comes from a proxy, which may refuse all messages or only this one.
    """
    about = judge(status, named, structured=structured)
    error = ERRORS[about](detail)
    if isinstance(error, VendorUnavailable | OutcomeUnknown):
        error.retry_after = retry_after
    return error


def judge(status: int, named: About | None, *, structured: bool) -> About:
    """Return what a status without an acceptance is about."""
    if status < 300 or status >= 500 or status == REQUEST_TIMEOUT:
        return About.UNKNOWN
    if named is not None:
        return named
    if status in (TOO_EARLY, TOO_MANY_REQUESTS):
        return About.VENDOR
    if status < 400 or status in STATUSES_OF_THE_ACCOUNT:
        return About.ACCOUNT
    return About.MESSAGE if structured and status != FORBIDDEN else About.ALLOWANCE
