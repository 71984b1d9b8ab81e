from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fees.instalments import InstalmentShare
from core.fees.pricing.audience import Audience
from core.fees.pricing.concession import Concession
from core.fees.pricing.exemption import Exemption
from core.fees.pricing.flat_fee import FlatFee
from core.fees.pricing.late_fee import LateFee, LateFeeWindow
from core.fees.pricing.paper_fee import PaperFee
from core.fees.pricing.rule import PricingCase
from core.fees.quote import Instalment, Quote, QuoteLine
from core.fees.schedule import FeeSchedule
from core.kernel.errors import Invalid
from core.kernel.money import Money
from tests.unit.fees.schedules import NOTHING, a_candidate, a_choice, a_fee, a_schedule

# Hypothesis compares the state of `random`, which is that of the process, before and after a strategy: in two runs of
# all tests it had changed once in this file, whose strategies draw nothing from it. What else drew is not known.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Do not use the `random` module inside strategies:hypothesis.errors.HypothesisDeprecationWarning"
)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GENERAL = Audience(categories=frozenset({"general"}))
QUARTERS = (InstalmentShare(basis_points=2500),) * 4

amounts = st.integers(0, 10**9)
rates = st.integers(0, 10_000)
concessions = st.one_of(
    st.builds(Concession, audience=st.just(GENERAL), basis_points=rates),
    st.builds(Concession, audience=st.just(GENERAL), amount=amounts),
    st.just(Exemption(audience=GENERAL)),
)
windows = st.one_of(
    st.builds(LateFeeWindow, after=st.dates(), amount=amounts),
    st.builds(LateFeeWindow, after=st.dates(), basis_points=rates, of=st.sampled_from(["total", "balance"])),
    st.builds(LateFeeWindow, after=st.dates(), per_day=st.integers(0, 1000), cap=st.none() | amounts),
)
kits = st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", fullmatch=True)
parts = st.lists(st.integers(1, 9_999), max_size=8, unique=True).map(
    lambda cuts: tuple(
        InstalmentShare(basis_points=high - low)
        for low, high in zip([0, *sorted(cuts)], [*sorted(cuts), 10_000], strict=True)
    )
)


@st.composite
def schedules(draw: st.DrawFn) -> FeeSchedule:
    papers = PaperFee(base=draw(amounts), included=3, further=draw(amounts), practical=draw(amounts))
    flats = [a_fee(f"head-{index}", draw(amounts)) for index in range(draw(st.integers(0, 4)))]
    rest = [draw(concessions), LateFee(windows=(draw(windows),))]
    return a_schedule(papers, *flats, *draw(st.permutations(rest)), instalments=draw(parts), kit=draw(kits))


@given(schedules(), st.integers(1, 6), amounts)
def test_lines_and_instalments_each_sum_to_a_total_that_is_not_negative(
    schedule: FeeSchedule, papers: int, paid: int
) -> None:
    quote = schedule.quote(a_candidate(), a_choice(papers, papers // 2), NOON, paid=Money(paid, "INR"))

    assert quote.total.minor == sum(line.amount.minor for line in quote.lines) >= 0
    assert quote.total.minor == sum(part.amount.minor for part in quote.instalments)
    assert len(quote.instalments) == (len(schedule.instalments) or 1)


def test_six_heads_of_100_in_four_parts_make_600_and_never_612() -> None:
    schedule = a_schedule(*(a_fee(f"head-{index}", 10_000) for index in range(6)), instalments=QUARTERS)

    quote = schedule.quote(a_candidate(), NOTHING, NOON)

    assert quote.total == Money(60_000, "INR")
    assert [part.amount.minor for part in quote.instalments] == [15_000] * 4


def test_an_instalment_is_due_on_its_date() -> None:
    due = date(2026, 9, 1)
    schedule = a_schedule(instalments=(InstalmentShare(basis_points=3000), InstalmentShare(basis_points=7000, due=due)))

    assert schedule.quote(a_candidate(), NOTHING, NOON).instalments == (
        Instalment(amount=Money(3000, "INR")),
        Instalment(amount=Money(7000, "INR"), due=due),
    )


def test_a_quote_names_the_version_of_the_schedule() -> None:
    quote = a_schedule(version=7).quote(a_candidate(), NOTHING, NOON)

    assert (quote.schedule, quote.version) == ("trial", 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": ()},
        {"instalments": ()},
        {"total": Money(101, "INR")},
        {
            "lines": (QuoteLine("x", "x", Money(-1, "INR")),),
            "instalments": (Instalment(amount=Money(-1, "INR")),),
            "total": Money(-1, "INR"),
        },
    ],
)
def test_a_quote_that_does_not_add_up_cannot_be_made(wrong: dict[str, Any]) -> None:
    amount = Money(100, "INR")
    right: dict[str, Any] = {
        "schedule": "trial",
        "version": 1,
        "lines": (QuoteLine("examination", "Examination", amount),),
        "total": amount,
        "instalments": (Instalment(amount=amount),),
    }
    assert Quote(**right).total == amount
    with pytest.raises(Invalid):
        Quote(**right | wrong)


@given(schedules(), st.data())
def test_a_schedule_that_has_computed_quotes_prices_each_case_as_a_new_one_does(
    schedule: FeeSchedule, data: st.DataObject
) -> None:
    abroad = a_fee("postage", 700, audience=Audience(region="abroad"))
    blind = Concession(audience=Audience(certificates=frozenset({"blind"})), head="blind", basis_points=1_000)
    asking = replace(schedule, rules=(*schedule.rules, abroad, blind))
    cases = st.builds(
        lambda category, certificates, country, papers, practicals, days, paid: (
            a_candidate(category, *certificates, country=country),
            a_choice(papers, min(papers, practicals)),
            NOON + timedelta(days=days),
            paid,
        ),
        st.sampled_from(["general", "sc"]),
        st.sets(st.sampled_from(["blind", "merit"])),
        st.sampled_from(["IN", "AE"]),
        st.integers(1, 5),
        st.integers(0, 5),
        st.integers(0, 3),
        st.none() | amounts.map(lambda minor: Money(minor, "INR")),
    )

    for case in data.draw(st.lists(cases, min_size=2, max_size=6)):
        assert asking.price(*case) == replace(asking).price(*case)


def test_a_submission_of_a_priced_case_evaluates_no_rule() -> None:
    evaluated: list[PricingCase] = []

    class Watched(FlatFee):
        def lines(self, case: PricingCase) -> Iterator[QuoteLine]:
            evaluated.append(case)
            return super().lines(case)

    schedule = a_schedule(Watched(head="examination", title="Examination", amount=100))
    for number in range(3):
        schedule.quote(a_candidate(), a_choice(2), NOON + timedelta(seconds=number))
    assert len(evaluated) == 1

    schedule.quote(a_candidate(), a_choice(2), NOON + timedelta(days=1))
    assert len(evaluated) == 2
