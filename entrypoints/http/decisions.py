"""Bodies of decisions; who decides is the caller."""

import msgspec

from core.kernel.decisions import Choice, Why


class ReasonBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason of the caller."""

    why: Why


class ApprovalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision of the caller about what another person asked for, and its reason."""

    decision: Choice
    why: Why
