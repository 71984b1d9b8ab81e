"""The published tariffs, figure by figure, against the bundled schedules."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.fees.errors import NoPapers, NotPriced, TooManyPapers, UnknownPractical
from core.fees.instalments import deadline
from core.fees.schedule import FeeSchedule
from core.kernel.errors import Invalid
from core.kernel.money import Money
from tests.unit.fees.schedules import NOTHING, SHIPPED, SOME_DAY, a_candidate, a_choice, local, rupees, shipped

X, XII, NEET, SAHYADRI = (
    shipped(code) for code in ("cbse-2020-x", "cbse-2020-xii", "neet-ug-2026", "sahyadri-semester")
)
BOTH_CLASSES = pytest.mark.parametrize("cbse", [X, XII], ids=["x", "xii"])
IN_FEBRUARY = datetime(2026, 2, 20, tzinfo=UTC)
TODAY = datetime.now(UTC)


def cbse_fee(
    cbse: FeeSchedule, papers: int, category: str = "general", practicals: int = 0, country: str = "IN"
) -> int:
    quote = cbse.quote(a_candidate(category, country=country), a_choice(papers, practicals), SOME_DAY)
    return quote.total.minor // 100


@BOTH_CLASSES
def test_a_general_candidate_pays_1500_for_five_subjects(cbse: FeeSchedule) -> None:
    assert cbse_fee(cbse, 5) == 1500


@BOTH_CLASSES
@pytest.mark.parametrize("category", ["sc", "st"])
def test_a_scheduled_candidate_pays_1200_for_five_subjects(cbse: FeeSchedule, category: str) -> None:
    assert cbse_fee(cbse, 5, category) == 1200


@BOTH_CLASSES
def test_fewer_subjects_cost_as_much_as_five(cbse: FeeSchedule) -> None:
    assert cbse_fee(cbse, 1) == 1500


@BOTH_CLASSES
def test_a_further_subject_costs_300_in_every_category(cbse: FeeSchedule) -> None:
    assert cbse_fee(cbse, 6) == 1800
    assert cbse_fee(cbse, 6, "sc") == 1500


def test_a_practical_costs_150_in_class_xii_and_nothing_in_class_x() -> None:
    assert cbse_fee(XII, 5, practicals=3) == 1950
    assert cbse_fee(X, 5, practicals=3) == 1500


@BOTH_CLASSES
@pytest.mark.parametrize("category", ["general", "sc"])
def test_abroad_five_subjects_cost_10000_and_each_further_one_2000(cbse: FeeSchedule, category: str) -> None:
    assert cbse_fee(cbse, 5, category, country="AE") == 10_000
    assert cbse_fee(cbse, 6, category, country="AE") == 12_000


def test_no_practical_fee_is_invented_for_schools_abroad() -> None:
    assert cbse_fee(XII, 5, practicals=3, country="AE") == 10_000


@BOTH_CLASSES
def test_a_seventh_subject_is_refused(cbse: FeeSchedule) -> None:
    with pytest.raises(TooManyPapers) as refusal:
        cbse_fee(cbse, 7)

    assert refusal.value.at == "$.papers[6]"


@BOTH_CLASSES
def test_no_subject_at_all_is_refused(cbse: FeeSchedule) -> None:
    with pytest.raises(NoPapers):
        cbse_fee(cbse, 0)


def test_a_practical_without_its_paper_is_refused() -> None:
    with pytest.raises(UnknownPractical) as refusal:
        cbse_fee(XII, 2, practicals=3)

    assert refusal.value.at == "$.practicals[2]"


@BOTH_CLASSES
def test_the_last_day_costs_nothing_more_and_the_day_after_2000(cbse: FeeSchedule) -> None:
    in_time, late = (
        cbse.quote(a_candidate(), a_choice(5), local(moment))
        for moment in ("2019-09-30T23:59:59.999999", "2019-10-01T00:00:00")
    )

    assert rupees([in_time.total.minor, late.total.minor]) == [1500, 3500]
    assert late.lines[-1].head == "late-fee"
    assert late.lines[-1].why == "late since 1 October 2019"


@BOTH_CLASSES
@pytest.mark.parametrize("country", ["IN", "AE"])
def test_a_visually_impaired_candidate_pays_nothing_even_late(cbse: FeeSchedule, country: str) -> None:
    blind = a_candidate("general", "visually-impaired", country=country)

    quote = cbse.quote(blind, a_choice(6), local("2019-12-01T10:00"))

    assert quote.total == Money.zero("INR")
    assert quote.lines[-1].why == "visually-impaired: exempt"


def test_every_line_says_why() -> None:
    quote = XII.quote(a_candidate("sc"), a_choice(6, 2), SOME_DAY)

    assert [line.why for line in quote.lines] == ["5 papers, category sc", "1 further paper", "2 practicals"]
    assert rupees(line.amount.minor for line in quote.lines) == [1200, 300, 300]


NEET_FEES = {"general": 1700, "general-ews": 1600, "obc-ncl": 1600, "sc": 1000, "st": 1000}


@pytest.mark.parametrize(("category", "fee"), NEET_FEES.items())
def test_neet_costs_what_was_published(category: str, fee: int) -> None:
    assert NEET.quote(a_candidate(category), NOTHING, IN_FEBRUARY).total == Money(fee * 100, "INR")


@pytest.mark.parametrize("category", NEET_FEES)
@pytest.mark.parametrize("certificates", [("pwbd",), ("third-gender",), ("pwbd", "third-gender")])
def test_neet_costs_1000_with_a_disability_or_of_the_third_gender(category: str, certificates: tuple[str]) -> None:
    quote = NEET.quote(a_candidate(category, *certificates), NOTHING, IN_FEBRUARY)

    assert quote.total == Money(100_000, "INR")


@pytest.mark.parametrize("category", NEET_FEES)
@pytest.mark.parametrize("certificates", [(), ("pwbd",)])
def test_neet_costs_9500_outside_india_whatever_the_category(category: str, certificates: tuple[str, ...]) -> None:
    quote = NEET.quote(a_candidate(category, *certificates, country="NP"), NOTHING, IN_FEBRUARY)

    assert quote.total == Money(950_000, "INR")


@pytest.mark.parametrize(("category", "total"), [("student", 137_525), ("staff", 192_535), ("guest", 275_050)])
def test_at_sahyadri_students_pay_half_and_staff_70_per_cent(category: str, total: int) -> None:
    assert SAHYADRI.quote(a_candidate(category), NOTHING, TODAY).total == Money(total, "INR")


def test_at_sahyadri_four_parts_sum_to_a_total_that_four_does_not_divide() -> None:
    quote = SAHYADRI.quote(a_candidate("student"), NOTHING, TODAY)

    assert [part.amount.minor for part in quote.instalments] == [34_382, 34_381, 34_381, 34_381]


def test_at_sahyadri_a_fine_grows_daily_after_three_days_of_grace_up_to_1000() -> None:
    def fine(moment: str) -> int:
        late = [
            line
            for line in SAHYADRI.quote(a_candidate("guest"), NOTHING, local(moment)).lines
            if line.head == "late-fee"
        ]
        return late[0].amount.minor // 100 if late else 0

    days = ["2099-12-31T23:59", "2100-01-03T23:59", "2100-01-04T00:00", "2100-01-05T10:00", "2100-03-01T10:00"]
    assert [fine(day) for day in days] == [0, 0, 50, 100, 1000]


def test_sahyadri_gives_a_kit_that_costs_nothing() -> None:
    bare = replace(SAHYADRI, kit=None)

    assert SAHYADRI.kit == "SU-EXAM-KIT"
    assert SAHYADRI.quote(a_candidate("guest"), NOTHING, TODAY) == bare.quote(a_candidate("guest"), NOTHING, TODAY)


def test_the_annual_programme_is_paid_in_three_parts_until_the_end_of_their_last_days() -> None:
    quote = shipped("sahyadri-annual").quote(a_candidate("student"), NOTHING, IN_FEBRUARY)

    parts = [(each.amount.minor, deadline(each.due, "Asia/Kolkata", quote.pay_by)) for each in quote.instalments]
    assert parts == [
        (2_110_020, local("2026-04-01T00:00")),
        (1_582_515, local("2026-09-01T00:00")),
        (1_582_515, local("2027-02-01T00:00")),
    ]


def test_a_category_the_schedule_does_not_know_has_no_price() -> None:
    with pytest.raises(NotPriced):
        SAHYADRI.quote(a_candidate("general"), NOTHING, TODAY)


@pytest.mark.parametrize("code", SHIPPED)
def test_a_shipped_schedule_is_in_a_file_of_its_own_name(code: str) -> None:
    assert shipped(code).code == code


def test_a_moment_that_could_be_anywhere_is_refused() -> None:
    with pytest.raises(Invalid):
        XII.quote(a_candidate(), a_choice(5), datetime(2019, 9, 1))  # noqa: DTZ001
