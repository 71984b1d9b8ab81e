import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kernel.currencies import CURRENCIES
from core.kernel.money import MAX_MINOR_UNITS, Money
from core.receipts.amount_in_words import HINDI, HINDI_SCALE, INDIAN, ONES, TENS, WESTERN, amount_in_words

ENGLISH = [
    (0, "INR", "Rupees Zero Only"),
    (100, "INR", "Rupee One Only"),
    (1, "INR", "Rupees Zero and One Paisa Only"),
    (150_050, "INR", "Rupees One Thousand Five Hundred and Fifty Paise Only"),
    (10_000_000, "INR", "Rupees One Lakh Only"),
    (10_203_000_99, "INR", "Rupees One Crore Two Lakh Three Thousand and Ninety-Nine Paise Only"),
    (10**15, "INR", "Rupees Ten Lakh Crore Only"),
    (1_250, "USD", "USD Twelve and 50/100 Only"),
    (100_000_000, "USD", "USD One Million Only"),
    (5_000, "JPY", "JPY Five Thousand Only"),
    (1_505, "KWD", "KWD One and 505/1000 Only"),
    (1_005, "KWD", "KWD One and 005/1000 Only"),
    (10**15, "JPY", "JPY One Thousand Trillion Only"),
]
HINDI_WORDS = [
    (0, "INR", "शून्य रुपये मात्र"),
    (100, "INR", "एक रुपया मात्र"),
    (150_050, "INR", "एक हज़ार पाँच सौ रुपये और पचास पैसे मात्र"),
    (9_999_900, "INR", "निन्यानवे हज़ार नौ सौ निन्यानवे रुपये मात्र"),
    (10**15, "INR", "दस लाख करोड़ रुपये मात्र"),
    (12_345_678_00, "INR", "एक करोड़ तेईस लाख पैंतालीस हज़ार छह सौ अठहत्तर रुपये मात्र"),
    (1_250, "USD", "USD बारह और 50/100 मात्र"),
]


@pytest.mark.parametrize(("minor", "currency", "words"), ENGLISH)
def test_an_amount_in_english(minor: int, currency: str, words: str) -> None:
    assert amount_in_words(Money(minor, currency), "en") == words


@pytest.mark.parametrize(("minor", "currency", "words"), HINDI_WORDS)
def test_an_amount_in_hindi(minor: int, currency: str, words: str) -> None:
    assert amount_in_words(Money(minor, currency), "hi") == words


def test_every_hindi_number_below_a_hundred_has_a_word_of_its_own() -> None:
    assert len(HINDI) == len(set(HINDI)) == 100


def read(words: list[str], sizes: dict[str, int], small: dict[str, int]) -> int:
    """Return the number of its words, by their own rule: each scale multiplies what stands before it."""
    for name, size in sorted(sizes.items(), key=lambda each: -each[1]):
        if name in words:
            place = len(words) - 1 - words[::-1].index(name)
            return read(words[:place], sizes, small) * size + read(words[place + 1 :], sizes, small)
    return sum(small[word] for word in words)


ENGLISH_SMALL = {word: number for number, word in enumerate(ONES)} | {
    word: 10 * ten for ten, word in enumerate(TENS) if ten > 1
}
HINDI_SMALL = {word: number for number, word in enumerate(HINDI)}


@given(st.integers(0, MAX_MINOR_UNITS), st.sampled_from(sorted(CURRENCIES)), st.sampled_from(["en", "hi"]))
def test_the_words_of_an_amount_are_read_as_the_amount(minor: int, currency: str, language: str) -> None:
    said, places = amount_in_words(Money(minor, currency), language), CURRENCIES[currency]
    small = HINDI_SMALL if language == "hi" else ENGLISH_SMALL
    sizes = {name: size for size, name in HINDI_SCALE if language == "hi"} or {
        name: size for size, name in (INDIAN if currency == "INR" else WESTERN)
    }

    whole, *parts = [
        [word for word in re.split("[ -]", part) if word in small or word in sizes or "/" in word]
        for part in re.split(" and | और ", said)
    ]

    part = parts[0] if parts else []
    fraction = int(part[0].partition("/")[0]) if part and "/" in part[0] else read(part, sizes, small)
    assert read(whole, sizes, small) * 10**places + fraction == minor
