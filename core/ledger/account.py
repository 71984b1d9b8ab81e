"""Accounts of the ledger: `candidate:0197…`, `income:examination`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from core.kernel.constraints import Text
from core.kernel.errors import Invalid


class AccountKind(StrEnum):
    """What an account is about."""

    CANDIDATE = "candidate"
    """What one student owes; the name is the id of the student."""
    INCOME = "income"
    """What was charged for one head."""
    CONCESSION = "concession"
    """What was taken off charges for one head."""
    WAIVER = "waiver"
    """What two people waived of one head."""
    CLEARING = "clearing"
    """What one gateway has collected and not settled; of the gateway `counter`, what clerks have taken."""
    GATEWAY_FEE = "gateway-fee"
    """What one gateway has kept for its service."""
    BANK = "bank"
    """What one bank account has received."""


ACCOUNT = Text(
    f"KIND:NAME, where KIND is one of {', '.join(AccountKind)}, and NAME has 1 to 40 small letters, digits or hyphens",
    f"({'|'.join(AccountKind)}):[a-z0-9-]{{1,40}}",
)
AccountText: TypeAlias = Annotated[str, ACCOUNT]


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account; it exists from its first posting, and has a balance in each currency."""

    kind: AccountKind
    name: str

    def __post_init__(self) -> None:
        check_account(str(self))

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the account that is written `income:examination`."""
        check_account(text)
        kind, _, name = text.partition(":")
        return cls(AccountKind(kind), name)


def check_account(text: str) -> None:
    """Raise `Invalid` for what is written in another form."""
    if not ACCOUNT.admits(text):
        raise Invalid(f"an account is {ACCOUNT.rule}", at="$.account")
