"""Fee schedules: the prices of one examination by audience and date."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Annotated

from core.fees import deadlines as calendar
from core.fees import fines as late_payments
from core.fees import instalments, names
from core.fees.candidate import Candidate
from core.fees.deadlines import NO_DEADLINES, Deadlines, LocalTime, as_local, as_utc, format_local, last_minute
from core.fees.errors import InvalidSchedule, NotPriced, ScheduleClosed, ScheduleNotOpen, UnknownPractical
from core.fees.fines import FineRules
from core.fees.instalments import InstalmentShares
from core.fees.names import Name, Names, Title
from core.fees.paper_selection import PaperSelection
from core.fees.pricing import contradictions
from core.fees.pricing.audience import Payer
from core.fees.pricing.rule import PricingCase, Rule
from core.fees.quote import Quote, QuoteLine, total_of
from core.kernel.constraints import Items, Text
from core.kernel.currencies import ACTIVE_CURRENCIES, check_currency
from core.kernel.money import Money
from core.kernel.text import line_fault

COUNTRY = Text("two capital letters (ISO 3166-1)", r"[A-Z]{2}")
MAX_COMPUTED_QUOTES = 1024
"""Of one version: the payers and the numbers of papers of one day are few."""
CURRENCY = Text("a currency of ISO 4217 that has minor units", "|".join(sorted(ACTIVE_CURRENCIES)))


class ComputedQuotes:
    """The place of the quotes that a schedule has computed; it is no field, because documents have all fields."""

    __slots__ = ("_quote_once",)
    _quote_once: Callable[[Payer, int, int, date, Money | None], Quote]


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeSchedule(ComputedQuotes):
    """The published tariff of one examination; construction raises `InvalidSchedule` for a contradiction."""

    code: Name
    """Such as `cbse-2020-xii`."""
    title: Title
    currency: Annotated[str, CURRENCY]
    """ISO 4217, of those that have minor units: `INR`."""
    zone: str
    """The IANA time zone of all dates and local times of the schedule."""
    country: Annotated[str, COUNTRY]
    """ISO 3166-1, two letters; a candidate who sits the exam in another country is abroad."""
    opens: LocalTime | None = None
    """Local time of the first accepted submission; None: no limit."""
    closes: Deadlines = NO_DEADLINES
    categories: Annotated[Names, Items(least=1)]
    certificates: Names = ()
    rules: Annotated[tuple[Rule, ...], Items(least=1)]
    """Applied in this order, each to the total of those before."""
    instalments: InstalmentShares = ()
    fines: FineRules = ()
    """After the deadline of payment, it is paid with these fines; without any, no more."""
    kit: Annotated[str, names.SKU] | None = None
    """The sku that each submission allocates from the inventory; it has no price."""
    version: int = 0
    """Set at publication; not a part of the document."""

    def __post_init__(self) -> None:
        for contradiction in chain(
            self._misspelt(),
            names.contradictions(self.categories, "$.categories"),
            names.contradictions(self.certificates, "$.certificates"),
            calendar.contradictions(self.opens, self.closes),
            contradictions.contradictions(self.rules, self.categories, self.certificates),
            instalments.contradictions(self.instalments, self.closes.payment),
            late_payments.contradictions(self.fines, self.closes.payment),
        ):
            raise contradiction
        object.__setattr__(self, "_quote_once", lru_cache(MAX_COMPUTED_QUOTES)(self._quote))

    def refuse_to_publish(self) -> None:
        """Raise `InvalidSchedule` for a title that is not printable, and a currency or a moment that does not exist.

        A stored schedule may have them: currencies are withdrawn, and zones change their clocks.
        """
        titles = {f"$.rules[{index}].title": getattr(rule, "title", None) for index, rule in enumerate(self.rules)}
        for at, title in {"$.title": self.title, **titles}.items():
            if title is not None and (fault := line_fault(title, names.MAX_TITLE_LENGTH)):
                raise InvalidSchedule(f"the title {fault}", at=at)
        if self.currency not in ACTIVE_CURRENCIES:
            raise InvalidSchedule(
                f"{self.currency!r:.40} is no current currency of ISO 4217 with minor units", at="$.currency"
            )
        for contradiction in calendar.skipped(self.opens, self.closes, self.zone):
            raise contradiction

    def quote(
        self, candidate: Candidate, selection: PaperSelection, arrived: datetime, paid: Money | None = None
    ) -> Quote:
        """Return the price of a submission that was received at `arrived`.

        Raise `ScheduleNotOpen`, `ScheduleClosed` or what `price` raises.
        """
        if self.opens and arrived < as_utc(self.opens, self.zone):
            raise ScheduleNotOpen(f"submissions open on {format_local(self.opens, self.zone)}")
        if self.closes.submission and arrived >= (closing := as_utc(self.closes.submission, self.zone)):
            last = format_local(last_minute(closing, self.zone), self.zone)
            raise ScheduleClosed(f"submissions are closed; the last minute in time was {last}")
        return self.price(candidate, selection, arrived, paid)

    def price(
        self, candidate: Candidate, selection: PaperSelection, moment: datetime, paid: Money | None = None
    ) -> Quote:
        """Return the price as of a moment, open or closed; `paid` lowers the balance, not the total.

        Raise `NotPriced`, `NoPapers`, `TooManyPapers` or `UnknownPractical`, or `Invalid` for no currency.
        """
        check_currency(self.currency)
        _refuse_unknown_practicals(selection)
        payer, day = Payer.of(candidate, self.country), as_local(moment, self.zone).date()
        return self._quote_once(payer, len(selection.papers), len(selection.practicals), day, paid)

    def accepts_payment(self, moment: datetime) -> bool:
        """Tell whether a payment that was received at this moment is in time."""
        return self.closes.payment is None or moment < as_utc(self.closes.payment, self.zone)

    def _quote(self, payer: Payer, papers: int, practicals: int, day: date, paid: Money | None) -> Quote:
        if payer.category not in self.categories:
            raise NotPriced(f"the schedule has no category {payer.category}")
        nothing = Money.zero(self.currency)
        case = PricingCase(
            payer=payer, papers=papers, practicals=practicals, day=day, total=nothing, paid=paid or nothing
        )
        lines = self._lines(case)
        total = total_of(lines, self.currency)
        return Quote(
            schedule=self.code,
            version=self.version,
            lines=lines,
            total=total,
            instalments=instalments.instalments(total, self.instalments),
            pay_by=as_utc(self.closes.payment, self.zone) if self.closes.payment else None,
        )

    def _lines(self, case: PricingCase) -> tuple[QuoteLine, ...]:
        rules = [rule for rule in self.rules if rule.priced_audience.includes(case.payer)]
        if not any(rule.price_field for rule in rules):
            raise NotPriced(f"the schedule has no price for {case.payer}")
        lines: list[QuoteLine] = []
        for rule in rules:
            so_far = replace(case, total=total_of(lines, self.currency)) if lines else case
            lines += rule.lines(so_far)
        return tuple(lines)

    def _misspelt(self) -> Iterator[InvalidSchedule]:
        if not names.is_name(self.code):
            yield InvalidSchedule(f"a code is {names.NAME.rule}", at="$.code")
        if not self.title.strip() or len(self.title) > names.MAX_TITLE_LENGTH:
            yield InvalidSchedule(f"a title is {names.TITLE.rule}", at="$.title")
        if not calendar.is_zone(self.zone):
            yield InvalidSchedule("there is no such time zone", at="$.zone")
        if not COUNTRY.admits(self.country):
            yield InvalidSchedule(f"a country is {COUNTRY.rule}", at="$.country")
        if not self.categories:
            yield InvalidSchedule("there are no categories", at="$.categories")
        if self.kit is not None and not names.is_sku(self.kit):
            yield InvalidSchedule(f"a kit is {names.SKU.rule}", at="$.kit")


def _refuse_unknown_practicals(selection: PaperSelection) -> None:
    for index, practical in enumerate(selection.practicals):
        if practical not in selection.papers:
            raise UnknownPractical(f"paper {practical} was not chosen", at=f"$.practicals[{index}]")
