"""Accounts of the ledger: `candidate:0197…`, `income:examination`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from core.kernel.constraints import Text
from core.kernel.errors import Invalid

NAME = Text("1 to 40 small letters, digits or hyphens", "[a-z0-9][a-z0-9-]{0,39}")


class AccountKind(StrEnum):
    """What an account is about."""

    CANDIDATE = "candidate"
    """What one student owes; the name is the id of the student."""
    INCOME = "income"
    """What was charged for one head."""
    CONCESSION = "concession"
    """What was taken off charges for one head."""


@dataclass(frozen=True, slots=True)
class LedgerAccount:
    """An account; it exists from its first posting, and has a balance in each currency."""

    kind: AccountKind
    name: str

    def __post_init__(self) -> None:
        if not NAME.admits(self.name):
            raise Invalid(f"the name of an account is {NAME.rule}", at="$.account")

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the account that is written `income:examination`."""
        kind, _, name = text.partition(":")
        if kind not in tuple(AccountKind):
            raise Invalid(f"an account is written KIND:NAME; kinds are {', '.join(AccountKind)}", at="$.account")
        return cls(AccountKind(kind), name)
