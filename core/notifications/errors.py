"""The errors of the notifications context."""

from typing import Self

from core.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable


class TooLate(VendorUnavailable):
    """The claim or the message expired before the vendor call, so no vendor was called."""

    problem = "too-late"


class AlreadyReported(TooLate):
    """A vendor has the message: its report, or the acceptance of another attempt, is stored."""

    problem = "already-reported"


class RecipientUnavailable(Unavailable):
    """The vendor certainly did not accept the message, for a passing reason that concerns only its recipient."""

    problem = "recipient-unavailable"


class UnreadableContact(RecipientUnavailable):
    """The address of the recipient is stored, but cannot be decrypted; it can after a repair."""

    problem = "unreadable-contact"


class RecipientNotAllowed(RecipientUnavailable):
    """The vendor, or a proxy, does not allow this account to send this; other messages may be allowed."""

    problem = "recipient-not-allowed"


class NobodyToAsk(OutcomeUnknown):
    """No vendor that may have accepted the message supports status queries."""

    problem = "nobody-to-ask"


class UnknownDelivery(NotFound):
    """No delivery has this id."""

    problem = "unknown-delivery"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the error for an id as it was written in the request."""
        return cls(f"there is no delivery {name[:40]!r}")


class DeliverySettled(Conflict):
    """The delivery is not in doubt, so there is nothing to decide."""

    problem = "delivery-settled"


class NotResendable(Conflict):
    """The delivery may be in flight, or a vendor has it: sending it again could send it twice."""

    problem = "not-resendable"


class Unwordable(Invalid):
    """The template does not exist in any language, or a fact that it needs is missing."""

    problem = "unwordable"


class Worthless(Unwordable):
    """What the message says is no longer true: its fee is paid, or its code was used or has expired."""

    problem = "worthless"
