"""Checks of the rules of one schedule against each other."""

from collections.abc import Collection, Iterator, Sequence
from itertools import chain, combinations, product
from typing import get_args

from core.fees.errors import InvalidSchedule
from core.fees.names import is_name
from core.fees.pricing.audience import Payer, Region
from core.fees.pricing.rule import Rule

MAX_RULES = 64


def contradictions(
    rules: Sequence[Rule], categories: Collection[str], certificates: Collection[str]
) -> Iterator[InvalidSchedule]:
    """Yield each contradiction of the rules, for the schedule's categories and certificates."""
    if not 1 <= len(rules) <= MAX_RULES:
        yield InvalidSchedule(f"a schedule has from 1 to {MAX_RULES} rules", at="$.rules")
    for index, rule in enumerate(rules):
        yield from _unknown(rule, f"$.rules[{index}]", categories, certificates)
    yield from _clashes(rules)
    yield from _gaps(rules, categories)


def _unknown(
    rule: Rule, at: str, categories: Collection[str], certificates: Collection[str]
) -> Iterator[InvalidSchedule]:
    if not is_name(rule.head):
        yield InvalidSchedule("a head is 1 to 32 small letters, digits or hyphens", at=f"{at}.head")
    for category in sorted(rule.priced_audience.categories.difference(categories)):
        where = "audience.categories" if rule.audience.categories else f"{rule.price_field}.{category}"
        yield InvalidSchedule(f"the schedule has no category {category}", at=f"{at}.{where}")
    for name in ("certificates", "without"):
        for certificate in sorted(getattr(rule.audience, name).difference(certificates)):
            yield InvalidSchedule(f"the schedule has no certificate {certificate}", at=f"{at}.audience.{name}")


def _clashes(rules: Sequence[Rule]) -> Iterator[InvalidSchedule]:
    for (first, rule), (second, other) in combinations(enumerate(rules), 2):
        if other.double_charges_with(rule):
            yield InvalidSchedule(f"it charges candidates that rules[{first}] charges", at=f"$.rules[{second}]")


def _gaps(rules: Sequence[Rule], categories: Collection[str]) -> Iterator[InvalidSchedule]:
    """Try every payer with up to two certificates; only a contrived schedule has a gap for three alone."""
    priced = [rule.priced_audience for rule in rules if rule.price_field]
    told_apart = sorted(frozenset[str]().union(*(audience.certificates | audience.without for audience in priced)))
    held = chain.from_iterable(combinations(told_apart, size) for size in range(3))
    for has, category, region in product(held, categories, get_args(Region)):
        payer = Payer(category, frozenset(has), region)
        if not any(audience.includes(payer) for audience in priced):
            holding = f" holding {' and '.join(has)}" if has else ""
            yield InvalidSchedule(f"no rule has a price for category {category}, {region}{holding}", at="$.rules")
