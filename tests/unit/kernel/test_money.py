from fractions import Fraction

import pytest
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.currencies import ACTIVE_CURRENCIES, CURRENCIES, check_currency, decimal_places
from core.kernel.errors import Invalid
from core.kernel.money import MAX_MINOR_UNITS, Money, format_amount, format_number, parse_amount

amounts = st.builds(Money, st.integers(-MAX_MINOR_UNITS, MAX_MINOR_UNITS), st.just("INR"))
weights = st.lists(st.integers(0, 10**6), min_size=1, max_size=40).filter(any)


def test_a_hundred_digits_are_no_amount() -> None:
    with pytest.raises(Invalid) as refusal:
        Money(10**100, "INR")

    assert refusal.value.at == "$.minor"


def test_the_largest_amount_is_an_amount_and_one_more_is_not() -> None:
    assert Money(MAX_MINOR_UNITS, "INR").minor == MAX_MINOR_UNITS
    with pytest.raises(Invalid):
        Money(MAX_MINOR_UNITS, "INR") + Money(1, "INR")


@pytest.mark.parametrize("minor", [True, 1.0, "1", None])
def test_only_a_whole_number_is_an_amount(minor: object) -> None:
    with pytest.raises(Invalid):
        Money(minor, "INR")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["inr", "IN", "INRR", "ÄÖÜ", "I1R", "INR\n", "", None, 356])
def test_a_currency_is_three_capital_letters(currency: object) -> None:
    with pytest.raises(Invalid) as refusal:
        Money(1, currency)  # type: ignore[arg-type]

    assert refusal.value.at == "$.currency"


def test_money_adds_subtracts_and_turns_around() -> None:
    assert Money(150, "INR") + Money(-50, "INR") - Money(30, "INR") == -Money(-70, "INR")


@pytest.mark.parametrize("mix", [Money.__add__, Money.__sub__, Money.__lt__, Money.__ge__])
def test_currencies_do_not_mix(mix: object) -> None:
    with pytest.raises(Invalid, match="INR and USD do not mix"):
        mix(Money(1, "INR"), Money(1, "USD"))  # type: ignore[operator]


def test_the_same_number_of_another_currency_is_not_the_same_money() -> None:
    assert Money(1, "INR") != Money(1, "USD")


def test_amounts_are_ordered() -> None:
    assert Money(-1, "INR") < Money.zero("INR") <= Money(0, "INR") < Money(1, "INR")


@pytest.mark.parametrize(
    ("minor", "basis_points", "share"),
    [(1, 5000, 1), (-1, 5000, -1), (1, 4999, 0), (3, 5000, 2), (25, 5000, 13), (-25, 5000, -13), (99, 10_000, 99)],
)
def test_half_a_minor_unit_is_rounded_up_in_size(minor: int, basis_points: int, share: int) -> None:
    assert Money(minor, "INR").percent(basis_points) == Money(share, "INR")


@given(amounts, st.integers(0, 10_000))
def test_a_percentage_is_never_more_than_half_a_minor_unit_off(amount: Money, basis_points: int) -> None:
    exact = Fraction(amount.minor * basis_points, 10_000)

    assert abs(amount.percent(basis_points).minor - exact) <= Fraction(1, 2)


@given(amounts, st.integers(0, 10_000))
def test_a_percentage_of_a_debt_mirrors_that_of_a_claim(amount: Money, basis_points: int) -> None:
    assert (-amount).percent(basis_points) == -amount.percent(basis_points)


@given(amounts, weights)
def test_parts_always_sum_to_the_whole(amount: Money, weights: list[int]) -> None:
    assert sum(amount.split(weights), start=Money.zero("INR")) == amount


@given(amounts, weights)
def test_no_part_is_a_whole_minor_unit_off_its_share(amount: Money, weights: list[int]) -> None:
    for part, weight in zip(amount.split(weights), weights, strict=True):
        assert abs(part.minor - Fraction(amount.minor * weight, sum(weights))) < 1


def test_the_largest_remainder_gets_what_is_left() -> None:
    assert [part.minor for part in Money(100, "INR").split([1, 1, 1])] == [34, 33, 33]
    assert [part.minor for part in Money(10, "INR").split([1, 6, 8])] == [1, 4, 5]
    assert [part.minor for part in Money(-100, "INR").split([1, 1, 1])] == [-34, -33, -33]


def test_a_zero_weight_gets_a_zero_share() -> None:
    assert [part.minor for part in Money(7, "INR").split([0, 2, 2, 0])] == [0, 4, 3, 0]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [2, -1]])
def test_weights_that_make_no_whole_are_refused(weights: list[int]) -> None:
    with pytest.raises(Invalid):
        Money(1, "INR").split(weights)


@pytest.mark.parametrize(
    ("currency", "places"),
    [("INR", 2), ("USD", 2), ("JPY", 0), ("UGX", 0), ("KWD", 3), ("CLF", 4), ("IQD", 3), ("HRK", 2)],
)
def test_the_decimal_places_of_a_currency_are_those_of_iso_4217(currency: str, places: int) -> None:
    assert decimal_places(currency) == places


@pytest.mark.parametrize("code", ["XXY", "XAU", "XTS", "XXX", "XDR", "inr", ""])
def test_a_code_that_iso_4217_does_not_list_with_minor_units_is_no_currency(code: str) -> None:
    with pytest.raises(Invalid, match="no currency of ISO 4217"):
        check_currency(code)


def test_a_stored_amount_of_any_code_stays_readable() -> None:
    assert format_amount(Money(12_345, "XTS")) == "XTS 123.45"


def test_a_withdrawn_currency_is_readable_and_no_longer_current() -> None:
    assert {"BGN", "HRK"} <= CURRENCIES.keys() - ACTIVE_CURRENCIES.keys()


def test_every_currency_that_a_territory_uses_today_by_cldr_is_current() -> None:
    by_territory = get_global("territory_currencies").values()
    used = {code for uses in by_territory for code, _, until, is_tender in uses if is_tender and until is None}

    assert used - ACTIVE_CURRENCIES.keys() <= {"BGN"}, "Bulgaria has had the euro since 2026"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (150_000, "INR", "₹1,500.00"),
        (-150_005, "INR", "-₹1,500.05"),
        (5, "INR", "₹0.05"),
        (99_999, "INR", "₹999.99"),
        (15_000_000, "INR", "₹1,50,000.00"),
        (1_000_000, "INR", "₹10,000.00"),
        (-1_234_567_890_123, "INR", "-₹12,34,56,78,901.23"),
        (100_000_005, "INR", "₹10,00,000.05"),
        (150_000, "USD", "USD 1,500.00"),
        (5_000, "JPY", "JPY 5,000"),
        (-1_500, "JPY", "-JPY 1,500"),
        (12_345, "KWD", "KWD 12.345"),
        (7, "KWD", "KWD 0.007"),
        (12_345_678, "CLF", "CLF 1,234.5678"),
        (0, "JPY", "JPY 0"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency(minor: int, currency: str, text: str) -> None:
    assert format_amount(Money(minor, currency)) == text


def test_a_number_is_written_without_its_currency() -> None:
    assert [format_number(Money(-1_500, each)) for each in ("INR", "JPY", "KWD")] == ["-15.00", "-1,500", "-1.500"]


@given(st.integers(-MAX_MINOR_UNITS, MAX_MINOR_UNITS), st.sampled_from(["INR", "JPY", "KWD", "CLF"]))
def test_a_written_number_reads_as_the_same_amount(minor: int, currency: str) -> None:
    written = format_number(Money(minor, currency)).replace(",", "")

    assert Fraction(written) * 10 ** decimal_places(currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [("1500.00", "INR", 150_000), ("1500", "INR", 150_000), ("-0.5", "INR", -50), ("150000", "JPY", 150_000),
     ("1.500", "KWD", 1_500), ("1.50000", "INR", 150), ("100.00", "JPY", 100)],
)  # fmt: skip
def test_a_number_of_major_units_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "1.", ".5", "1,500.00", "1e3", "+1", "--1", " 1", "१", "1.005", "1" * 40]
)
def test_what_is_no_number_of_major_units_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_amount(text, "INR")
