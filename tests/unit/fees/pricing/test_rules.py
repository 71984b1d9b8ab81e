from datetime import date, datetime
from typing import Any

import pytest

from core.fees.errors import NotPriced
from core.fees.pricing.audience import Audience, Payer
from core.fees.pricing.concession import Concession
from core.fees.pricing.exemption import Exemption
from core.fees.pricing.formatting import format_percent
from core.fees.pricing.late_fee import LateFee, LateFeeWindow
from core.fees.pricing.paper_fee import PaperFee
from core.fees.pricing.rule_kinds import RULE_KINDS
from core.fees.schedule import FeeSchedule
from core.kernel.errors import Invalid
from core.kernel.money import Money
from tests.unit.fees.schedules import NOTHING, SOME_DAY, a_candidate, a_choice, a_fee, a_schedule, local

SC = Audience(categories=frozenset({"sc"}))
BLIND = Audience(certificates=frozenset({"blind"}))
SEPTEMBER = date(2026, 9, 30)


def lines(schedule: FeeSchedule, *candidate: str, when: datetime = SOME_DAY, paid: int = 0) -> dict[str, int]:
    quote = schedule.quote(a_candidate(*candidate), NOTHING, when, Money(paid, "INR"))
    return {line.why: line.amount.minor for line in quote.lines}


def late_lines(day: str, paid: int = 0, **window: Any) -> dict[str, int]:
    schedule = a_schedule(a_fee(), LateFee(windows=(LateFeeWindow(after=SEPTEMBER, **window),)))
    found = lines(schedule, when=local(f"2026-{day}T12:00"), paid=paid)
    return {why: minor for why, minor in found.items() if why.startswith("late")}


def test_every_kind_is_called_what_its_rules_say() -> None:
    assert {kind: rule.__dataclass_fields__["kind"].default for kind, rule in RULE_KINDS.items()} == {  # type: ignore[attr-defined]
        kind: kind for kind in RULE_KINDS
    }


def test_a_flat_fee_can_differ_by_category() -> None:
    schedule = a_schedule(a_fee(amount={"general": 500, "sc": 300}))

    assert lines(schedule, "sc") == {"Examination, category sc": 300}


def test_papers_can_differ_by_category_in_every_price() -> None:
    prices = {"general": 100, "sc": 50}
    schedule = a_schedule(PaperFee(base=prices, included=2, further=prices, practical=prices))

    quote = schedule.quote(a_candidate("sc"), a_choice(4, 3), SOME_DAY)

    assert [line.amount.minor for line in quote.lines] == [50, 100, 150]


def test_a_percentage_off_is_rounded_once_and_half_up() -> None:
    schedule = a_schedule(a_fee(amount=25), Concession(audience=SC, basis_points=5000))

    assert lines(schedule, "sc")["sc: 50 % off"] == -13


def test_an_amount_off_is_never_more_than_there_is() -> None:
    schedule = a_schedule(a_fee(amount=100), Concession(audience=SC, amount=150))

    assert schedule.quote(a_candidate("sc"), NOTHING, SOME_DAY).total == Money(0, "INR")


def test_a_concession_applies_only_to_its_audience() -> None:
    schedule = a_schedule(a_fee(), Concession(audience=BLIND, amount=150))

    assert "blind: a fixed amount off" in lines(schedule, "general", "blind")
    assert "blind: a fixed amount off" not in lines(schedule, "general", "merit")


def test_rules_apply_in_the_order_in_which_they_are_written() -> None:
    half, lab = Concession(audience=SC, basis_points=5000), a_fee("lab", 100)

    assert lines(a_schedule(a_fee(), half, lab), "sc")["sc: 50 % off"] == -5000
    assert lines(a_schedule(a_fee(), lab, half), "sc")["sc: 50 % off"] == -5050


def test_an_exemption_says_why_even_when_there_is_nothing_to_pay() -> None:
    assert lines(a_schedule(a_fee(amount=0), Exemption(audience=BLIND)), "sc", "blind")["blind: exempt"] == 0


def test_a_late_fee_can_be_an_amount() -> None:
    assert late_lines("09-30", amount=500) == {}
    assert late_lines("10-01", amount=500) == {"late since 1 October 2026": 500}


def test_a_late_fee_can_be_so_much_per_day_up_to_a_cap() -> None:
    assert late_lines("10-01", per_day=100) == {"late since 1 October 2026, 1 day": 100}
    assert late_lines("10-05", per_day=100) == {"late since 1 October 2026, 5 days": 500}
    assert late_lines("10-05", per_day=100, cap=350) == {"late since 1 October 2026, 5 days": 350}


def test_days_of_grace_are_never_charged() -> None:
    assert late_lines("10-03", per_day=100, grace_days=3) == {}
    assert late_lines("10-04", per_day=100, grace_days=3) == {"late since 4 October 2026, 1 day": 100}


def test_a_late_fee_can_be_a_rate_of_the_total_or_of_what_is_unpaid() -> None:
    total, balance = {"basis_points": 1250}, {"basis_points": 1250, "of": "balance"}

    assert late_lines("10-01", paid=6000, **total) == {"late since 1 October 2026: 12.5 % of the total": 1250}
    assert late_lines("10-01", paid=6000, **balance) == {"late since 1 October 2026: 12.5 % of the balance": 500}
    assert late_lines("10-01", paid=10_000, **balance) == {}
    assert late_lines("10-01", paid=99_000, **balance) == {}


def test_each_window_has_its_own_late_fee() -> None:
    schedule = a_schedule(
        a_fee(),
        LateFee(
            windows=(
                LateFeeWindow(after=SEPTEMBER, until=date(2026, 10, 15), amount=500),
                LateFeeWindow(after=date(2026, 10, 15), until=date(2026, 10, 31), amount=2000),
            )
        ),
    )

    days = ["2026-09-30", "2026-10-01", "2026-10-15", "2026-10-16", "2026-10-31", "2026-11-01"]
    charged = [sum(lines(schedule, when=local(f"{day}T23:59:59")).values()) - 10_000 for day in days]
    assert charged == [0, 500, 500, 2000, 2000, 0]


def test_what_was_paid_is_in_the_currency_of_the_schedule() -> None:
    schedule = a_schedule(a_fee(), LateFee(windows=(LateFeeWindow(after=SEPTEMBER, basis_points=1, of="balance"),)))

    with pytest.raises(Invalid, match="do not mix"):
        schedule.price(a_candidate(), NOTHING, local("2026-12-01T00:00"), paid=Money(1, "USD"))


def test_a_fee_too_large_for_money_is_refused_and_not_wrapped() -> None:
    schedule = a_schedule(a_fee(), LateFee(windows=(LateFeeWindow(after=SEPTEMBER, per_day=10**12),)))

    with pytest.raises(Invalid):
        schedule.price(a_candidate(), NOTHING, local("2999-01-01T00:00"))


def test_an_unpriced_combination_of_certificates_is_refused() -> None:
    names = ("blind", "deaf", "merit")
    not_all_three = [a_fee(f"not-{name}", audience=Audience(without=frozenset({name}))) for name in names]
    schedule = a_schedule(*not_all_three, certificates=names)

    with pytest.raises(NotPriced):
        schedule.quote(a_candidate("general", *names), NOTHING, SOME_DAY)


@pytest.mark.parametrize(
    ("audience", "other", "together"),
    [
        (Audience(), Audience(), True),
        (SC, Audience(categories=frozenset({"general"})), False),
        (SC, BLIND, True),
        (Audience(region="home"), Audience(region="abroad"), False),
        (Audience(region="home"), Audience(), True),
        (BLIND, Audience(without=frozenset({"blind"})), False),
        (BLIND, Audience(certificates=frozenset({"merit"})), True),
        (Audience(certificates=frozenset({"blind", "merit"})), Audience(without=frozenset({"blind"})), True),
    ],
)
def test_audiences_overlap_when_one_candidate_can_be_in_both(
    audience: Audience, other: Audience, together: bool
) -> None:
    payers = [
        Payer(category, frozenset(held), region)
        for category in ("general", "sc")
        for held in ((), ("blind",), ("merit",), ("blind", "merit"))
        for region in ("home", "abroad")
    ]

    assert audience.overlaps(other) is other.overlaps(audience) is together
    assert any(audience.includes(payer) and other.includes(payer) for payer in payers) is together


@pytest.mark.parametrize(("rate", "text"), [(5000, "50 %"), (1250, "12.5 %"), (1, "0.01 %"), (10, "0.1 %"), (0, "0 %")])
def test_rates_read_as_per_cent(rate: int, text: str) -> None:
    assert format_percent(rate) == text
