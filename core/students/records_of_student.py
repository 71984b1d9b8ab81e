"""What an erasure finds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsOfStudent:
    """The numbers of records that lead to one student."""

    submissions: int = 0
    """They stay, with the id of a student that no record names any more."""
    deliveries: int = 0
    """They stay, without an address; those not sent yet are suppressed."""
    dead_letters: int = 0
    """Messages that contain the registration in any spelling; they are deleted."""
    accounts: int = 0
    """They stay, disabled, without a name or an address; their codes and passwords are deleted."""
    named: int = 0
    """Submissions of the version before whose document and event name the registration; only the schema's owner can
    change them."""
