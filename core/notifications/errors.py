"""What can go wrong with a message."""

from core.shared.errors import CoreError, Invalid, Unavailable


class Rejected(Invalid):
    """No vendor will ever accept this message as it is."""


class VendorUnavailable(Unavailable):
    """The vendor cannot take messages now, and certainly did not take this one."""


class OutcomeUnknown(CoreError):
    """The request left and no answer came: it may have been sent, so it is never sent again blindly."""


class Unwordable(Invalid):
    """There is no such template in any language, or it needs a fact that was not given."""
