"""The cells of a roster: what is taken, in which form, and what is refused."""

import unicodedata
from typing import Any

import phonenumbers
import pytest

from adapters.contacts.parser import InternationalContactParser
from core.kernel.errors import Invalid
from core.kernel.registration import registration_key
from core.students.roster import RosterRow
from core.students.roster_entry import read_entry
from core.students.student import Enrolment

KEPT_AS_IT_IS = [
    ("registration", "2026.T-1_b"),
    ("registration", "1" * 32),
    ("registration", "2023/BCOM/0017"),
    ("registration", "B.A. (Hons) & B.Ed./17"),
    ("registration", "12E3"),
    ("registration", "2026E11"),
    ("registration", "MAR-23"),
    ("registration", "2023-11-05"),
    ("registration", "12/345/2023"),
    ("name", "आशा कुलकर्णी"),
    ("name", "O'Neil-Strauß, Jr."),
    ("name", "ശ്രീജിത്ത് നായര്\u200d"),
    ("name", "বর\u200d্ষা"),
    ("name", "نظام\u200cالدین"),
    ("category", "obc-ncl"),
    ("country", "AE"),
    ("email", "o'neil+exam@mail.example.org"),
    ("phone", "+971501234567"),
    ("language", "hi"),
]
REFUSED = [
    ("registration", "T-1\u200b"),
    ("registration", "Т-1"),
    ("registration", "T–1"),
    ("registration", "T-1\nT-2"),
    ("registration", "../.."),
    ("registration", "T" * 33),
    ("registration", "2.02601E11"),
    ("registration", "2.02601E+11"),
    ("registration", "2,02601e+11"),
    ("registration", "2E+05"),
    ("registration", "202601.0"),
    ("registration", "05-Jan-23"),
    ("registration", "Jan-23"),
    ("registration", "5-Jan"),
    ("registration", "01/02/2023"),
    ("registration", "2023-01-02 00:00:00"),
    ("registration", "#####"),
    ("registration", "#REF!"),
    ("name", "#N/A"),
    ("name", "\u200b"),
    ("name", "\u3164"),
    ("name", "12 345"),
    ("name", "- .'"),
    ("name", "Asha\u200dKulkarni"),
    ("name", "Asha\u202eKulkarni"),
    ("name", "Asha\u2066Kulkarni"),
    ("name", "As\u00adha"),
    ("name", "Asha\ufe0f"),
    ("name", "Asha\x00"),
    ("name", "As\x85ha"),
    ("name", "Asha\ue000"),
    ("name", "A\nB"),
    ("name", "x" * 121),
    ("category", "General"),
    ("country", "IND"),
    ("country", "in"),
    ("centre", "DEL 014"),
    ("centre", "D" * 17),
    ("language", "eng"),
    ("certificates", "pwbd third_gender"),
]


def an_enrolment(**cells: Any) -> Enrolment:
    given = {"registration": "T-1", "name": "Asha", "category": "general"} | cells
    row, contacts = RosterRow(2, list(given.values())), InternationalContactParser("IN")
    return Enrolment(**read_entry(row, list(given), contacts).said)


def test_a_field_of_the_right_form_is_kept_as_it_is() -> None:
    for field, value in KEPT_AS_IT_IS:
        assert getattr(an_enrolment(**{field: value}), field) == value


def test_a_field_of_another_form_is_refused_with_its_path() -> None:
    def path_of_refusal(field: str, value: str) -> str:
        try:
            an_enrolment(**{field: value})
        except Invalid as refusal:
            return refusal.at
        return "accepted"

    found = {(field, value): path_of_refusal(field, value) for field, value in REFUSED}
    assert found == {(field, value): f"$.{field}" for field, value in REFUSED}


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("2.02601E11", "was destroyed by a spreadsheet (Excel) that took it for a number: format the column as Text"),
        ("05-Jan-23", "took it for a date"),
        ("#REF!", "is an error of the spreadsheet"),
        ("T–1", "'–' (U+2013) is none of them"),
    ],
)
def test_a_refused_registration_says_why(cell: str, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        an_enrolment(registration=cell)

    assert words in str(refusal.value)


def test_a_refused_name_says_which_character() -> None:
    with pytest.raises(Invalid, match=r"has U\+200B at character 5, which is not printable"):
        an_enrolment(name="Asha\u200b")


def test_names_and_registrations_have_one_normal_form() -> None:
    decomposed = unicodedata.normalize("NFD", "José Ñandú")

    assert an_enrolment(name=f"\u00a0{decomposed.replace(' ', '  ')} ").name == "José Ñandú"
    assert an_enrolment(registration=" B.A.\u00a0 17 ").registration == "B.A. 17"


def test_all_spellings_of_a_registration_have_one_key_and_other_texts_have_none() -> None:
    assert registration_key("SU-1/a") == registration_key(" su-1/A ") == "su-1/a"
    texts = ("", ".", "/", "ſU-1", "T" * 33, " " * 1_000_000 + "T")
    assert {registration_key(text) for text in texts} == {None}


def test_the_shortest_enrolment_is_of_the_country_and_written_to_in_english() -> None:
    assert (an_enrolment().country, an_enrolment().language) == ("IN", "en")


def read_phone(text: str, country: str) -> str:
    try:
        return InternationalContactParser("IN").phone(text, country)
    except Invalid as fault:
        return str(fault)


@pytest.mark.parametrize("country", ["IN", "AE", "NP", "SG", "DE", "BR", "MX", "US", "GB"])
def test_a_number_is_judged_alike_with_spaces_and_without(country: str) -> None:
    kinds = phonenumbers.PhoneNumberType.values()
    examples = filter(None, [phonenumbers.example_number_for_type(country, kind) for kind in kinds])
    codes = {(str(each.country_code), str(each.national_number)) for each in examples}
    near = [(code, digit + rest[1:] + more) for code, rest in codes for digit in "0123456789" for more in ("", "7")]
    for code, rest in [*codes, *near]:
        assert read_phone(f"+{code}{rest}", country) == read_phone(f"+{code} {rest}", country), rest
