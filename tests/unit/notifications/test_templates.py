"""The templates of messages to candidates and staff."""

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
SHORTAGE: dict[str, Any] = {
    "name": "The stores",
    "sku": "SU-EXAM-KIT",
    "order": "BF-7K3M-9QZ4-XA2B-C",
    "quantity": 25,
    "available": 17,
    "waiting": 43,
}
LARGE = SHORTAGE | {"sku": "K" * 64, "quantity": 1_000_000, "available": 999_999, "waiting": 1_000_000}
WRITTEN = {"fee_submitted": FACTS, "out_of_stock": SHORTAGE}
GSM_7 = re.compile(r"[A-Za-z0-9 \n@£$_!\"#%&'()*+,\-./:;<=>?]+")
LANGUAGES = ["en", "hi"]
DEVANAGARI = re.compile(r"[\u0900-\u097f]")


@pytest.fixture(scope="module")
def templates() -> JinjaTemplates:
    return JinjaTemplates()


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_email_contains_the_fee_details(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("fee_submitted", language, FACTS)

    for form in (content.text, content.html):
        for fact in ("Aarav Sharma", "BF-7K3M-9QZ4-XA2B-C", "₹1,500.00", "15 Dec 2026", "Late fee", "₹2,000.00"):
            assert fact in form
    assert "BF-7K3M-9QZ4-XA2B-C" in content.subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_shortage_email_contains_the_demand_and_the_remedy(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("out_of_stock", language, SHORTAGE)

    for form in (content.text, content.html):
        for fact in ("The stores", "SU-EXAM-KIT", "BF-7K3M-9QZ4-XA2B-C", "25", "17", "43"):
            assert fact in form
        assert "bursar inventory create-batch" in form
        assert "POST /v1/batches" in form
    assert "SU-EXAM-KIT" in content.subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_zero_quantities_are_rendered_as_0(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("out_of_stock", language, SHORTAGE | {"available": 0, "waiting": 0})

    assert content.text.count(": 0\n") == content.html.count(">0<") == 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_message_about_a_shortage_says_what_is_wanted_and_what_to_do(
    templates: JinjaTemplates, language: str
) -> None:
    sms = templates.sms("out_of_stock", language, SHORTAGE)

    for told in ("SU-EXAM-KIT", "25", "17", "43", "bursar inventory create-batch"):
        assert told in sms


def test_every_language_has_every_template() -> None:
    written = {folder.name: {file.name for file in folder.iterdir()} for folder in FOLDER.iterdir()}
    assert written["hi"] == written["en"]
    assert set(written) == set(LANGUAGES)


@pytest.mark.parametrize("template", WRITTEN)
def test_hindi_is_hindi_and_english_is_not(templates: JinjaTemplates, template: str) -> None:
    for language in LANGUAGES:
        content = templates.email(template, language, WRITTEN[template])
        words = [content.subject, content.text, content.html, templates.sms(template, language, WRITTEN[template])]
        assert all(bool(DEVANAGARI.search(each)) == (language == "hi") for each in words)


@pytest.mark.parametrize("language", ["hi-IN", "hi"])
def test_a_region_reads_its_language(templates: JinjaTemplates, language: str) -> None:
    assert "परीक्षा" in templates.email("fee_submitted", language, FACTS).text


@pytest.mark.parametrize("language", ["ta", "", "../../sql", "EN"])
def test_a_missing_language_is_english(templates: JinjaTemplates, language: str) -> None:
    assert templates.email("fee_submitted", language, FACTS).text.startswith("Dear Aarav")


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_are_no_markup_in_html_and_untouched_in_text(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("fee_submitted", language, FACTS | {"name": "<script>alert('&')</script>"})

    assert "<script>" not in content.html
    assert "<script>alert('&')</script>" in content.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_subject_is_one_line_whatever_the_facts(templates: JinjaTemplates, language: str) -> None:
    subject = templates.email("fee_submitted", language, FACTS | {"reference": "BF\r\nBcc: x\x00\x85y\u2028z"}).subject
    assert len(subject.splitlines()) == 1
    assert "\x00" not in subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_without_a_last_day_no_last_day_is_named(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("fee_submitted", language, FACTS | {"pay_by": None})
    sms = templates.sms("fee_submitted", language, FACTS | {"pay_by": None})
    assert "None" not in content.text + content.html + sms
    assert not {"Please pay by", "तक भुगतान"} & {
        word for word in ("Please pay by", "तक भुगतान") if word in content.text + sms
    }


@pytest.mark.parametrize("title", ["NEET UG 2026", "National Eligibility cum Entrance Test (Undergraduate) " * 3])
def test_an_english_text_message_is_one_segment(templates: JinjaTemplates, title: str) -> None:
    sms = templates.sms("fee_submitted", "en", FACTS | {"schedule_title": title, "total": "₹1,23,500.00"})

    assert len(sms) <= 160
    assert GSM_7.fullmatch(sms), "one character outside of GSM 03.38 makes it three segments long"


def test_an_english_text_message_about_a_large_shortage_is_one_segment(templates: JinjaTemplates) -> None:
    sms = templates.sms("out_of_stock", "en", LARGE)

    assert len(sms) <= 160
    assert GSM_7.fullmatch(sms)


@pytest.mark.parametrize(
    ("template", "facts"), [("fee_submitted", FACTS | {"total": "₹1,23,500.00"}), ("out_of_stock", LARGE)]
)
def test_a_hindi_text_message_is_at_most_two_segments(
    templates: JinjaTemplates, template: str, facts: dict[str, Any]
) -> None:
    sms = templates.sms(template, "hi", facts)
    assert len(sms.encode("utf-16-be")) // 2 <= 2 * 67


@pytest.mark.parametrize(("template", "fact"), [(name, fact) for name, facts in WRITTEN.items() for fact in facts])
def test_a_missing_fact_is_noticed_and_not_left_blank(templates: JinjaTemplates, template: str, fact: str) -> None:
    facts = {name: value for name, value in WRITTEN[template].items() if name != fact}
    with pytest.raises(Unwordable):
        templates.email(template, "en", facts)


@pytest.mark.parametrize("template", ["fee_forgotten", "../templates", "../../../pyproject"])
def test_an_unknown_template_is_said_to_be_unknown(templates: JinjaTemplates, template: str) -> None:
    with pytest.raises(Unwordable):
        templates.sms(template, "en", FACTS)
