"""What vendors answer, as errors: the same kinds for messages and for money."""

from core.kernel.errors import CoreError, Forbidden, Invalid, Unavailable


class Rejected(Invalid):
    """No vendor can accept this request."""

    problem = "rejected"


class VendorUnavailable(Unavailable):
    """The vendor cannot accept requests now, and this one certainly had no effect."""

    problem = "vendor-unavailable"


class AccountFault(VendorUnavailable):
    """The vendor refuses this account, its sender or the path to it; the same request succeeds after a repair."""

    problem = "account-fault"


class OutcomeUnknown(CoreError):
    """The vendor may have accepted the request: it is not sent again before the outcome is determined."""

    problem = "outcome-unknown"

    def __init__(self, detail: str = "", *, retry_after: float | None = None) -> None:
        """Take the seconds after which the vendor accepts other requests again, if it named them."""
        super().__init__(detail)
        self.retry_after = retry_after


class ForgedReport(Forbidden):
    """The signature of a vendor report is invalid."""

    problem = "forged-report"
