"""Amounts in words, as a receipt tells them: in English and Hindi, by lakh and crore where rupees are counted so."""

from collections.abc import Callable, Sequence

from core.kernel.currencies import decimal_places
from core.kernel.money import LAKH_CURRENCIES, Money

_ONES = (
    "Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen"
    " Eighteen Nineteen"
)
_TENS = "Zero Ten Twenty Thirty Forty Fifty Sixty Seventy Eighty Ninety"
_HINDI = (
    "शून्य एक दो तीन चार पाँच छह सात आठ नौ दस ग्यारह बारह तेरह चौदह पंद्रह सोलह सत्रह अठारह उन्नीस"
    " बीस इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस इकतीस बत्तीस तैंतीस चौंतीस"
    " पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस चालीस इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस"
    " सैंतालीस अड़तालीस उनचास पचास इक्यावन बावन तिरपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ साठ इकसठ"
    " बासठ तिरसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर"
    " छिहत्तर सतहत्तर अठहत्तर उनासी अस्सी इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी"
    " नवासी नब्बे इक्यानवे बानवे तिरानवे चौरानवे पंचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे"
)
ONES, TENS, HINDI = _ONES.split(), _TENS.split(), _HINDI.split()
"""The Hindi numbers below 100 are a word each."""
Scale = Sequence[tuple[int, str]]
WESTERN: Scale = ((10**12, "Trillion"), (10**9, "Billion"), (10**6, "Million"), (1_000, "Thousand"), (100, "Hundred"))
INDIAN: Scale = ((10**7, "Crore"), (10**5, "Lakh"), (1_000, "Thousand"), (100, "Hundred"))
HINDI_SCALE: Scale = ((10**7, "करोड़"), (10**5, "लाख"), (1_000, "हज़ार"), (100, "सौ"))


def amount_in_words(amount: Money, language: str) -> str:
    """Return `Rupees One Thousand Five Hundred and Fifty Paise Only`, or `USD Twelve and 50/100 Only`; of `en` or `hi`.

    A currency without words of its own here has its code, and its minor units as a fraction.
    """
    places = decimal_places(amount.currency)
    major, minor = divmod(abs(amount.minor), 10**places)
    told = hindi if language == "hi" else english
    return told(amount.currency, major, minor, places)


def english(currency: str, major: int, minor: int, places: int) -> str:
    """Return an amount in English."""
    scale = INDIAN if currency in LAKH_CURRENCIES else WESTERN
    whole = spelt(major, scale, below_hundred)
    if currency == "INR":
        rupees = "Rupee" if major == 1 else "Rupees"
        paise = f" and {below_hundred(minor)} {'Paisa' if minor == 1 else 'Paise'}" if minor else ""
        return f"{rupees} {whole}{paise} Only"
    return f"{currency} {whole}{fraction(minor, places, 'and')} Only"


def hindi(currency: str, major: int, minor: int, places: int) -> str:
    """Return an amount in Hindi."""
    whole = spelt(major, HINDI_SCALE, HINDI.__getitem__)
    if currency == "INR":
        rupees = "रुपया" if major == 1 else "रुपये"
        paise = f" और {HINDI[minor]} {'पैसा' if minor == 1 else 'पैसे'}" if minor else ""
        return f"{whole} {rupees}{paise} मात्र"
    return f"{currency} {whole}{fraction(minor, places, 'और')} मात्र"


def fraction(minor: int, places: int, and_: str) -> str:
    """Return minor units as a part of the major unit, nothing for none."""
    return f" {and_} {minor:0{places}}/{10**places}" if minor else ""


def spelt(number: int, scale: Scale, small: Callable[[int], str]) -> str:
    """Return a whole number in words; `small` has those below 100."""
    words, rest = list[str](), number
    for size, name in scale:
        count, rest = divmod(rest, size)
        if count:
            words += [spelt(count, scale, small), name]
    return " ".join([*words, small(rest)] if rest or not words else words)


def below_hundred(number: int) -> str:
    """Return an English number below 100."""
    if number < len(ONES):
        return ONES[number]
    ten, one = divmod(number, 10)
    return f"{TENS[ten]}-{ONES[one]}" if one else TENS[ten]
