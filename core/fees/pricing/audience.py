"""Audiences: the candidates that a pricing rule applies to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Self

from core.fees.candidate import Candidate
from core.fees.names import Name
from core.fees.pricing.amount import Amount

Region = Literal["home", "abroad"]


class Payer(NamedTuple):
    """The properties of a candidate that rules distinguish."""

    category: str
    certificates: frozenset[str] = frozenset()
    region: Region = "home"

    @classmethod
    def of(cls, candidate: Candidate, home: str) -> Self:
        """Return the payer of a candidate, who is abroad when the exam is sat outside the country `home`."""
        return cls(candidate.category, candidate.certificates, "home" if candidate.country == home else "abroad")

    def __str__(self) -> str:
        return f"category {self.category}" + (", abroad" if self.region == "abroad" else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """The candidates a rule applies to; an empty field does not restrict them."""

    categories: frozenset[Name] = frozenset()
    """One of these."""
    certificates: frozenset[Name] = frozenset()
    """At least one of these."""
    without: frozenset[Name] = frozenset()
    """None of these certificates."""
    region: Region | None = None

    def includes(self, payer: Payer) -> bool:
        """Tell whether the rule applies to this payer."""
        return (
            (not self.categories or payer.category in self.categories)
            and (not self.certificates or not self.certificates.isdisjoint(payer.certificates))
            and self.without.isdisjoint(payer.certificates)
            and self.region in (None, payer.region)
        )

    def overlaps(self, other: "Audience") -> bool:
        """Tell whether some payer can be in both."""
        barred = self.without | other.without
        return (
            not (self.categories and other.categories and self.categories.isdisjoint(other.categories))
            and all(not wanted or wanted - barred for wanted in (self.certificates, other.certificates))
            and (None in (self.region, other.region) or self.region == other.region)
        )

    def priced_by(self, amount: Amount) -> "Audience":
        """Return the audience limited to the categories that the amount names."""
        return replace(self, categories=frozenset(amount)) if isinstance(amount, Mapping) else self

    def match_reason(self, payer: Payer) -> str:
        """Return why the rule applies to this payer: the certificates, or else the category."""
        return " and ".join(sorted(self.certificates & payer.certificates)) or payer.category


ALL_PAYERS = Audience()
