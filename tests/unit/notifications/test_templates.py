"""What candidates read."""

import re
from typing import Any

import pytest

from adapters.jinja.templates import FOLDER, JinjaTemplates
from core.notifications.errors import Unwordable

FACTS: dict[str, Any] = {
    "name": "Aarav Sharma",
    "reference": "BF-7K3M-9QZ4-XA2B-C",
    "schedule_title": "CBSE Senior School Certificate Examination 2026",
    "total": "₹1,500.00",
    "pay_by": "15 Dec 2026",
    "lines": [{"why": "Five subjects", "amount": "₹1,500.00"}, {"why": "Late fee", "amount": "₹2,000.00"}],
}
GSM_7 = re.compile(r"[A-Za-z0-9 \n@£$_!\"#%&'()*+,\-./:;<=>?]+")
LANGUAGES = ["en", "hi"]
DEVANAGARI = re.compile(r"[\u0900-\u097f]")


@pytest.fixture(scope="module")
def templates() -> JinjaTemplates:
    return JinjaTemplates()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_says_what_matters(templates: JinjaTemplates, language: str) -> None:
    letter = templates.email("fee_submitted", language, FACTS)

    for form in (letter.text, letter.html):
        for fact in ("Aarav Sharma", "BF-7K3M-9QZ4-XA2B-C", "₹1,500.00", "15 Dec 2026", "Late fee", "₹2,000.00"):
            assert fact in form
    assert "BF-7K3M-9QZ4-XA2B-C" in letter.subject


def test_every_language_has_every_template() -> None:
    written = {folder.name: {file.name for file in folder.iterdir()} for folder in FOLDER.iterdir()}
    assert written["hi"] == written["en"]
    assert set(written) == set(LANGUAGES)


def test_hindi_is_hindi_and_english_is_not(templates: JinjaTemplates) -> None:
    for language in LANGUAGES:
        letter = templates.email("fee_submitted", language, FACTS)
        words = [letter.subject, letter.text, letter.html, templates.sms("fee_submitted", language, FACTS)]
        assert all(bool(DEVANAGARI.search(each)) == (language == "hi") for each in words)


@pytest.mark.parametrize("language", ["hi-IN", "hi"])
def test_a_region_reads_its_language(templates: JinjaTemplates, language: str) -> None:
    assert "परीक्षा" in templates.email("fee_submitted", language, FACTS).text


@pytest.mark.parametrize("language", ["ta", "", "../../sql", "EN"])
def test_a_missing_language_is_english(templates: JinjaTemplates, language: str) -> None:
    assert templates.email("fee_submitted", language, FACTS).text.startswith("Dear Aarav")


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_are_no_markup_in_html_and_untouched_in_text(templates: JinjaTemplates, language: str) -> None:
    letter = templates.email("fee_submitted", language, FACTS | {"name": "<script>alert('&')</script>"})

    assert "<script>" not in letter.html
    assert "<script>alert('&')</script>" in letter.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_is_one_line_whatever_the_facts(templates: JinjaTemplates, language: str) -> None:
    subject = templates.email("fee_submitted", language, FACTS | {"reference": "BF\r\nBcc: x\x00\x85y\u2028z"}).subject
    assert len(subject.splitlines()) == 1
    assert "\x00" not in subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_last_day_no_last_day_is_named(templates: JinjaTemplates, language: str) -> None:
    letter = templates.email("fee_submitted", language, FACTS | {"pay_by": None})
    sms = templates.sms("fee_submitted", language, FACTS | {"pay_by": None})
    assert "None" not in letter.text + letter.html + sms
    assert not {"Please pay by", "तक भुगतान"} & {
        word for word in ("Please pay by", "तक भुगतान") if word in letter.text + sms
    }


@pytest.mark.parametrize("title", ["NEET UG 2026", "National Eligibility cum Entrance Test (Undergraduate) " * 3])
def test_an_english_text_message_is_one_segment(templates: JinjaTemplates, title: str) -> None:
    sms = templates.sms("fee_submitted", "en", FACTS | {"schedule_title": title, "total": "₹1,23,500.00"})

    assert len(sms) <= 160
    assert GSM_7.fullmatch(sms), "one letter outside of GSM 03.38 makes three segments of it"


def test_a_hindi_text_message_is_at_most_two_segments(templates: JinjaTemplates) -> None:
    sms = templates.sms("fee_submitted", "hi", FACTS | {"total": "₹1,23,500.00"})
    assert len(sms.encode("utf-16-be")) // 2 <= 2 * 67


@pytest.mark.parametrize("fact", FACTS)
def test_a_missing_fact_is_noticed_and_not_left_blank(templates: JinjaTemplates, fact: str) -> None:
    facts = {name: value for name, value in FACTS.items() if name != fact}
    with pytest.raises(Unwordable):
        templates.email("fee_submitted", "en", facts)


@pytest.mark.parametrize("template", ["fee_forgotten", "../templates", "../../../pyproject"])
def test_an_unknown_template_is_said_to_be_unknown(templates: JinjaTemplates, template: str) -> None:
    with pytest.raises(Unwordable):
        templates.sms(template, "en", FACTS)
