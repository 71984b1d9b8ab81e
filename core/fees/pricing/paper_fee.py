"""Fees by the number of papers and practicals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from core.fees.errors import InvalidSchedule, NoPapers, TooManyPapers
from core.fees.names import Name
from core.fees.paper_selection import MAX_PAPERS
from core.fees.pricing.amount import Amount, amount_for, check_amount, check_range
from core.fees.pricing.audience import ALL_PAYERS, Audience
from core.fees.pricing.formatting import format_count
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import QuoteLine
from core.kernel.constraints import Whole

PaperCount: TypeAlias = Annotated[int, Whole(1, MAX_PAPERS)]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFee(Rule):
    """A price for the included papers, one for each further paper, and one for each practical."""

    price_field: ClassVar[str] = "base"

    kind: Literal["papers"] = "papers"
    head: Name = "examination"
    base: Amount
    """For up to `included` papers; fewer papers cost the same."""
    included: PaperCount
    further: Amount
    """For each paper beyond those included."""
    practical: Amount = 0
    """For each practical."""
    maximum: PaperCount = MAX_PAPERS
    """The highest number of papers that a candidate may select."""
    audience: Audience = ALL_PAYERS

    def __post_init__(self) -> None:
        check_range(self.included, MAX_PAPERS, at="$.included", minimum=1)
        check_range(self.maximum, MAX_PAPERS, at="$.maximum", minimum=self.included)
        for name in ("base", "further", "practical"):
            check_amount(amount := getattr(self, name), at=f"$.{name}")
            if isinstance(amount, Mapping) and frozenset(amount) != self.priced_audience.categories:
                raise InvalidSchedule("it must name the same categories as the base", at=f"$.{name}")
        if isinstance(self.base, Mapping) and self.audience.categories:
            raise InvalidSchedule("the base names the categories; remove these", at="$.audience.categories")

    @property
    def priced_audience(self) -> Audience:
        return self.audience.priced_by(self.base)

    def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
        papers, practicals = self._counted(case), case.practicals
        included = min(papers, self.included)
        further = papers - included
        yield self._line(case, f"{format_count(included, 'paper')}, {case.payer}", 1, self.base)
        if further:
            yield self._line(case, format_count(further, "further paper"), further, self.further)
        if practicals and amount_for(case.payer.category, self.practical):
            yield self._line(case, format_count(practicals, "practical"), practicals, self.practical)

    def double_charges_with(self, other: Rule) -> bool:
        # Two counts of the same papers are a double charge under whatever head.
        return (
            isinstance(other, PaperFee) and self.priced_audience.overlaps(other.priced_audience)
        ) or Rule.double_charges_with(self, other)

    def _counted(self, case: PricingCase) -> int:
        if case.papers == 0:
            raise NoPapers("choose at least one paper", at="$.papers")
        if case.papers > self.maximum:
            raise TooManyPapers(
                f"at most {format_count(self.maximum, 'paper')} can be chosen", at=f"$.papers[{self.maximum}]"
            )
        return case.papers

    def _line(self, case: PricingCase, why: str, times: int, amount: Amount) -> QuoteLine:
        return QuoteLine(self.head, why, case.money(times * amount_for(case.payer.category, amount)))
