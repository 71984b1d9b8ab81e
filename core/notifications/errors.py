"""What can go wrong with a message."""

from core.kernel.errors import Conflict, CoreError, Forbidden, Invalid, NotFound, Unavailable


class Rejected(Invalid):
    """No vendor will ever accept this message as it is."""

    problem = "rejected"


class VendorUnavailable(Unavailable):
    """The vendor cannot take messages now, and certainly did not take this one."""

    problem = "vendor-unavailable"


class TooLate(VendorUnavailable):
    """We had it in hand for too long: by now it may be somebody else's, so no vendor was asked."""

    problem = "too-late"


class OutcomeUnknown(CoreError):
    """The request left and no answer came: it may have been sent, so it is never sent again blindly."""

    problem = "outcome-unknown"


class NobodyToAsk(OutcomeUnknown):
    """No vendor that may have taken the message can be asked for it."""

    problem = "nobody-to-ask"


class UnknownDelivery(NotFound):
    """There is no delivery of this id."""

    problem = "unknown-delivery"


class DeliverySettled(Conflict):
    """What became of the delivery is known, or somebody decided it before."""

    problem = "delivery-settled"


class ForgedReport(Forbidden):
    """The report does not bear the signature of the vendor."""

    problem = "forged-report"


class Unwordable(Invalid):
    """There is no such template in any language, or it needs a fact that was not given."""

    problem = "unwordable"
