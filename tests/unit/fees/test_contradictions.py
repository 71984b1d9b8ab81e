"""A contradictory schedule is refused, and the error names the field."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.fees.deadlines import Deadlines
from core.fees.errors import InvalidSchedule
from core.fees.fines import FineRule
from core.fees.instalments import InstalmentShare
from core.fees.pricing.audience import Audience
from core.fees.pricing.concession import Concession
from core.fees.pricing.exemption import Exemption
from core.fees.pricing.flat_fee import FlatFee
from core.fees.pricing.late_fee import LateFee, LateFeeWindow
from core.fees.pricing.paper_fee import PaperFee
from tests.unit.fees.schedules import a_fee, a_schedule

MARCH, APRIL = datetime(2026, 3, 1), datetime(2026, 4, 1)  # noqa: DTZ001
BLIND, HOME, ABROAD = Audience(certificates=frozenset({"blind"})), Audience(region="home"), Audience(region="abroad")
SIGHTED = Audience(without=frozenset({"blind"}))


def some(*categories: str) -> Audience:
    return Audience(categories=frozenset(categories))


def papers(**changes: Any) -> PaperFee:
    return PaperFee(**{"base": 100, "included": 5, "further": 10} | changes)


def refused(*rules: Any, **changes: Any) -> str | None:
    with pytest.raises(InvalidSchedule) as refusal:
        a_schedule(*rules, **changes)
    return refusal.value.at


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("code", "CBSE 2020"),
        ("code", ""),
        ("code", "a" * 33),
        ("title", " "),
        ("title", "x" + " " * 900_000),
        ("zone", "Asia/Atlantis"),
        ("zone", "Asia"),
        ("zone", "localtime"),
        ("zone", "../UTC"),
        ("zone", "America/Argentina"),
        ("zone", ""),
        ("country", "India"),
        ("country", "1!"),
        ("categories", ()),
        ("kit", ""),
        ("kit", "EXAM KIT"),
        ("kit", "-KIT"),
        ("kit", ".KIT"),
        ("kit", "_KIT"),
        ("kit", "KIT\n"),
        ("kit", "KIT/7"),
        ("kit", "किट"),
        ("kit", "K" * 65),
        ("kit", 7),
    ],
)
def test_what_is_misspelt_is_refused(field: str, value: object) -> None:
    assert refused(**{field: value}) == f"$.{field}"


@pytest.mark.parametrize("kit", [None, "SU-EXAM-KIT", "7", "k.i_t-2026", "KIT:2026", "K" * 64])
def test_a_kit_is_a_valid_sku_name(kit: str | None) -> None:
    assert a_schedule(kit=kit).kit == kit


def test_duplicate_and_misspelt_names_are_refused() -> None:
    assert refused(categories=("general", "sc", "general")) == "$.categories[2]"
    assert refused(certificates=("blind", "Merit")) == "$.certificates[1]"
    assert refused(categories=tuple(f"c{index}" for index in range(33))) == "$.categories"


def test_a_schedule_closes_after_it_opens() -> None:
    assert refused(opens=APRIL, closes=Deadlines(submission=MARCH)) == "$.closes.submission"
    assert refused(opens=MARCH, closes=Deadlines(submission=MARCH)) == "$.closes.submission"


def test_payment_does_not_close_before_submission() -> None:
    assert refused(closes=Deadlines(submission=APRIL, payment=MARCH)) == "$.closes.payment"
    assert refused(closes=Deadlines(payment=MARCH)) == "$.closes.payment"
    a_schedule(closes=Deadlines(submission=MARCH, payment=MARCH))


def test_moments_are_local_and_carry_no_offset() -> None:
    assert refused(opens=MARCH.replace(tzinfo=UTC)) == "$.opens"
    assert refused(closes=Deadlines(submission=MARCH, payment=APRIL.replace(tzinfo=UTC))) == "$.closes.payment"


def test_a_schedule_has_rules() -> None:
    assert refused(rules=()) == "$.rules"


def test_a_rule_with_an_unknown_category_or_certificate_is_refused() -> None:
    fee = a_fee()
    assert refused(fee, Exemption(audience=some("sc", "obc"))) == "$.rules[1].audience.categories"
    assert (
        refused(fee, Exemption(audience=Audience(certificates=frozenset({"deaf"}))))
        == "$.rules[1].audience.certificates"
    )
    assert refused(fee, a_fee("lab", audience=Audience(without=frozenset({"deaf"})))) == "$.rules[1].audience.without"
    assert refused(a_fee(amount={"general": 1, "sc": 1, "obc": 1})) == "$.rules[0].amount.obc"
    assert refused(papers(base={"general": 1, "sc": 1, "obc": 1})) == "$.rules[0].base.obc"


def test_a_head_has_a_name() -> None:
    assert refused(a_fee("Exam Fee")) == "$.rules[0].head"


@pytest.mark.parametrize(
    "rules",
    [
        (a_fee(amount={"general": 100}),),
        (a_fee(audience=some("general")),),
        (a_fee(audience=HOME),),
        (
            a_fee(amount={"general": 100}, audience=HOME),
            a_fee(amount={"sc": 50}),
            a_fee("abroad", audience=ABROAD, amount={"sc": 1}),
        ),
        (a_fee(audience=SIGHTED),),
        (a_fee(audience=BLIND),),
        (a_fee(audience=Audience(without=frozenset({"blind", "merit"}))), a_fee(audience=BLIND)),
        (a_fee(audience=SIGHTED), a_fee("lab", audience=Audience(without=frozenset({"merit"})))),
        (LateFee(windows=(LateFeeWindow(after=date(2026, 1, 1), amount=1),)),),
    ],
)
def test_a_schedule_without_a_price_for_some_candidate_is_refused(rules: tuple[Any, ...]) -> None:
    assert refused(*rules) == "$.rules"


@pytest.mark.parametrize(
    "rules",
    [
        (a_fee(amount={"general": 100}), a_fee(amount={"sc": 50})),
        (a_fee(audience=HOME), a_fee(audience=ABROAD)),
        (a_fee(audience=SIGHTED), a_fee(audience=BLIND)),
        (papers(audience=HOME), papers(audience=ABROAD)),
        (papers(base={"general": 100}, further={"general": 10}), a_fee(audience=some("sc"))),
        (a_fee(), a_fee("lab")),
    ],
)
def test_rules_for_different_people_or_heads_go_together(rules: tuple[Any, ...]) -> None:
    assert a_schedule(*rules).rules == rules


@pytest.mark.parametrize(
    "rules",
    [
        (a_fee(), a_fee()),
        (a_fee(), a_fee(amount={"sc": 50})),
        (a_fee(audience=HOME), a_fee(audience=some("general")), a_fee(audience=ABROAD)),
        (a_fee(), a_fee(audience=BLIND)),
        (papers(), papers()),
        (papers(), papers(head="more", audience=BLIND)),
        (papers(), a_fee()),
    ],
)
def test_two_prices_under_one_head_for_one_candidate_are_refused(rules: tuple[Any, ...]) -> None:
    assert refused(*rules) == "$.rules[1]"


def test_two_late_fees_for_the_same_people_are_refused() -> None:
    late = LateFee(windows=(LateFeeWindow(after=date(2026, 1, 1), amount=1),))

    assert refused(a_fee(), late, late) == "$.rules[2]"


@pytest.mark.parametrize(
    ("parts", "at"),
    [
        ((InstalmentShare(basis_points=5000), InstalmentShare(basis_points=4999)), "$.instalments"),
        ((InstalmentShare(basis_points=10_000), InstalmentShare(basis_points=10_000)), "$.instalments"),
        ((InstalmentShare(basis_points=10_001),), "$.instalments[0].basis_points"),
        ((InstalmentShare(basis_points=10_000), InstalmentShare(basis_points=0)), "$.instalments[1].basis_points"),
        ((InstalmentShare(basis_points=-1), InstalmentShare(basis_points=10_001)), "$.instalments[0].basis_points"),
        (
            (
                InstalmentShare(basis_points=5000, due=APRIL.date()),
                InstalmentShare(basis_points=5000, due=MARCH.date()),
            ),
            "$.instalments[1].due",
        ),
        ((InstalmentShare(basis_points=5000, due=MARCH.date()),) * 2, "$.instalments[1].due"),
        ((InstalmentShare(basis_points=100),) * 65, "$.instalments"),
    ],
)
def test_instalments_that_make_no_whole_are_refused(parts: tuple[InstalmentShare, ...], at: str) -> None:
    assert refused(instalments=parts) == at


def test_an_instalment_is_due_before_payment_closes() -> None:
    closes = Deadlines(submission=MARCH, payment=APRIL)

    assert (
        refused(closes=closes, instalments=(InstalmentShare(basis_points=10_000, due=APRIL.date()),))
        == "$.instalments[0].due"
    )
    a_schedule(closes=closes, instalments=(InstalmentShare(basis_points=10_000, due=date(2026, 3, 31)),))


@pytest.mark.parametrize(
    ("fines", "at"),
    [
        ((FineRule(rule="a", amount=1), FineRule(rule="a", amount=2)), "$.fines[1].rule"),
        ((FineRule(rule="a", amount=1),) * 9, "$.fines"),
    ],
)
def test_fines_that_contradict_each_other_are_refused(fines: tuple[FineRule, ...], at: str) -> None:
    assert refused(closes=Deadlines(submission=MARCH, payment=APRIL), fines=fines) == at


def test_a_fine_needs_a_deadline_of_payment() -> None:
    assert refused(fines=(FineRule(rule="a", amount=1),)) == "$.fines"


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({}, "$"),
        ({"amount": 1, "basis_points": 1}, "$"),
        ({"amount": -1}, "$.amount"),
        ({"basis_points": 10_001}, "$.basis_points"),
        ({"amount": 1, "per_day": True}, "$.cap"),
        ({"amount": 1, "grace_days": 367}, "$.grace_days"),
        ({"amount": 1, "rule": "Late!"}, "$.rule"),
        ({"amount": 1, "head": ""}, "$.head"),
    ],
)
def test_a_fine_that_cannot_be_charged_is_refused(wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        FineRule(**({"rule": "a"} | wrong))

    assert refusal.value.at == at


@pytest.mark.parametrize("amount", [-1, 10**100, "100", 1.0, True, None])
def test_an_amount_is_a_whole_number_of_a_sensible_size(amount: Any) -> None:
    def refuses(at: str, **fields: Any) -> None:
        with pytest.raises(InvalidSchedule) as refusal:
            papers(**fields)
        assert refusal.value.at == at

    refuses("$.base", base=amount)
    refuses("$.base.sc", base={"general": 1, "sc": amount})
    refuses("$.further", further=amount)
    refuses("$.practical", practical=amount)
    with pytest.raises(InvalidSchedule):
        a_fee(amount=amount)


@pytest.mark.parametrize("rate", [10_001, -1, True, "5000"])
def test_a_rate_is_at_most_a_hundred_per_cent(rate: Any) -> None:
    for make in (
        lambda: Concession(audience=some("sc"), basis_points=rate),
        lambda: LateFeeWindow(after=MARCH.date(), basis_points=rate),
    ):
        with pytest.raises(InvalidSchedule) as refusal:
            make()
        assert refusal.value.at == "$.basis_points"


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"included": 0}, "$.included"),
        ({"included": 51}, "$.included"),
        ({"maximum": 4}, "$.maximum"),
        ({"base": {}}, "$.base"),
        ({"further": {"sc": 1}}, "$.further"),
        ({"base": {"sc": 1}, "practical": {"general": 1}}, "$.practical"),
        ({"base": {"sc": 1}, "audience": some("sc")}, "$.audience.categories"),
    ],
)
def test_papers_that_cannot_be_counted_or_priced_are_refused(wrong: dict[str, Any], at: str) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        papers(**wrong)

    assert refusal.value.at == at


def test_amounts_and_people_do_not_both_name_categories() -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        a_fee(amount={"sc": 1}, audience=some("sc"))

    assert refusal.value.at == "$.audience.categories"


@pytest.mark.parametrize(
    "make", [lambda audience: Exemption(audience=audience), lambda audience: Concession(audience=audience, amount=1)]
)
def test_a_concession_or_exemption_without_an_audience_is_refused(make: Any) -> None:
    for audience in (Audience(), HOME, SIGHTED):
        with pytest.raises(InvalidSchedule) as refusal:
            make(audience)
        assert refusal.value.at == "$.audience"


@pytest.mark.parametrize("given", [{}, {"amount": 1, "basis_points": 1}])
def test_a_concession_and_a_window_charge_in_exactly_one_way(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchedule, match="exactly one"):
        Concession(audience=some("sc"), **given)
    with pytest.raises(InvalidSchedule, match="exactly one"):
        LateFeeWindow(after=MARCH.date(), **given)


def window(after: int, until: int | None) -> LateFeeWindow:
    return LateFeeWindow(after=date(2026, 1, after), until=date(2026, 1, until) if until else None, amount=1)


@pytest.mark.parametrize(
    ("first", "second"), [((1, 5), (4, 9)), ((1, None), (4, 9)), ((4, 9), (1, 4)), ((1, 5), (1, 5))]
)
def test_overlapping_windows_are_refused(first: tuple[int, int], second: tuple[int, int]) -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        LateFee(windows=(window(*first), window(*second)))

    assert refusal.value.at == "$.windows[1].after"


def test_a_window_may_begin_where_the_last_one_ends() -> None:
    assert len(LateFee(windows=(window(1, 5), window(5, 9), window(11, None))).windows) == 3


def test_windows_that_never_hold_are_refused() -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        window(5, 5)
    assert refusal.value.at == "$.until"
    with pytest.raises(InvalidSchedule):
        LateFee(windows=())
    with pytest.raises(InvalidSchedule):
        LateFeeWindow(after=MARCH.date(), per_day=1, grace_days=-1)


@pytest.mark.parametrize("year", [1, 1899, 9001, 9999])
def test_a_year_is_one_that_every_zone_can_write_down(year: int) -> None:
    assert refused(closes=Deadlines(submission=MARCH.replace(year=year))) == "$.closes.submission"


def test_the_title_of_a_fee_has_an_end() -> None:
    with pytest.raises(InvalidSchedule) as refusal:
        FlatFee(head="examination", title="x" * 201, amount=100)
    assert refusal.value.at == "$.title"
