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
    "total": {"minor": 350_000, "currency": "INR"},
    "pay_by": {"at": "2026-03-08T23:59:00+05:30", "zone": "Asia/Kolkata"},
    "lines": [
        {"why": "Five subjects", "amount": {"minor": 150_000, "currency": "INR"}},
        {"why": "Late fee", "amount": {"minor": 200_000, "currency": "INR"}},
    ],
}
DAY = {"en": "8 March 2026, 23:59", "hi": "8 मार्च 2026, 23:59"}
PLACE = {"en": "India Time", "hi": "भारत समय"}
LONG_DAY = {"at": "2026-09-30T23:59:00-03:00", "zone": "America/Argentina/Buenos_Aires"}
LARGE_TOTAL = {"minor": 12_350_000, "currency": "INR"}
SHORTAGE: dict[str, Any] = {
    "name": "The stores",
    "sku": "SU-EXAM-KIT",
    "order": "BF-7K3M-9QZ4-XA2B-C",
    "quantity": 25,
    "available": 17,
    "waiting": 43,
}
LARGE = SHORTAGE | {"sku": "K" * 64, "quantity": 1_000_000, "available": 999_999, "waiting": 1_000_000}
CODE: dict[str, Any] = {"name": "Aarav Sharma", "code": "40127753", "until": FACTS["pay_by"]}
INVITATION: dict[str, Any] = {
    "name": "Asha Kulkarni",
    "login": "asha.kulkarni",
    "token": "dGhlIHRva2VuIG9mIGEgb25lLXRpbWUgbGluaw",
    "until": FACTS["pay_by"],
}
REMINDER: dict[str, Any] = {
    "name": "Aarav Sharma",
    "reference": "BF-7K3M-9QZ4-XA2B-C",
    "owed": {"minor": 350_000, "currency": "INR"},
    "pay_by": FACTS["pay_by"],
}
ADJUSTED: dict[str, Any] = {
    "name": "Aarav Sharma",
    "reference": "BF-7K3M-9QZ4-XA2B-C",
    "before": {"minor": 120_000, "currency": "INR"},
    "after": {"minor": 150_000, "currency": "INR"},
    "owed": {"minor": 30_000, "currency": "INR"},
    "back": None,
    "pay_by": FACTS["pay_by"],
}
WRITTEN = {
    "fee_submitted": FACTS,
    "out_of_stock": SHORTAGE,
    "one_time_code": CODE,
    "invitation": INVITATION,
    "payment_due": REMINDER,
    "payment_overdue": REMINDER,
    "fee_adjusted": ADJUSTED,
}
GSM_7 = re.compile(r"[A-Za-z0-9 \n@£$_!\"#%&'()*+,\-./:;<=>?]+")
LANGUAGES = ["en", "hi"]
DEVANAGARI = re.compile(r"[\u0900-\u097f]")


@pytest.fixture(scope="module")
def templates() -> JinjaTemplates:
    return JinjaTemplates()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_candidate_is_told_of_each_instalment_and_by_sms_of_the_first_deadline(
    templates: JinjaTemplates, language: str
) -> None:
    parts = [
        {"amount": {"minor": 210_000, "currency": "INR"}, "pay_by": FACTS["pay_by"]},
        {"amount": {"minor": 140_000, "currency": "INR"}, "pay_by": LONG_DAY},
    ]
    facts = FACTS | {"instalments": parts, "pay_by": LONG_DAY}

    content = templates.email("fee_submitted", language, facts)
    sms = templates.sms("fee_submitted", language, facts)

    for form in (content.text, content.html):
        assert form.index("₹2,100.00") < form.index(DAY[language]) < form.index("₹1,400.00")
    assert "2026-03-08" in sms or DAY[language] in sms
    assert "09-30" not in sms


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", ["payment_due", "payment_overdue"])
def test_a_reminder_tells_what_is_owed_and_until_when(templates: JinjaTemplates, template: str, language: str) -> None:
    content = templates.email(template, language, REMINDER)
    sms = templates.sms(template, language, REMINDER)

    for form in (content.text, content.html):
        assert all(fact in form for fact in ("Aarav Sharma", "BF-7K3M-9QZ4-XA2B-C", "₹3,500.00", DAY[language]))
    assert "3,500.00" in content.subject
    assert all(fact in sms for fact in ("3,500.00", "BF-7K3M-9QZ4-XA2B-C"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_corrected_fee_is_told_with_what_is_to_pay_or_goes_back(templates: JinjaTemplates, language: str) -> None:
    back = ADJUSTED | {"owed": None, "back": {"minor": 40_000, "currency": "INR"}}
    owed_email, back_email = (templates.email("fee_adjusted", language, facts) for facts in (ADJUSTED, back))
    owed_sms, back_sms = (templates.sms("fee_adjusted", language, facts) for facts in (ADJUSTED, back))

    for form in (owed_email.text, owed_email.html):
        assert all(fact in form for fact in ("₹1,200.00", "₹1,500.00", "₹300.00", DAY[language]))
    for form in (back_email.text, back_email.html):
        assert "₹400.00" in form
        assert DAY[language] not in form
    assert "1,500.00" in owed_email.subject
    assert ("300.00" in owed_sms, "400.00" in owed_sms, "400.00" in back_sms) == (True, False, True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_email_contains_the_fee_details(templates: JinjaTemplates, language: str) -> None:
    content = templates.email("fee_submitted", language, FACTS)

    for form in (content.text, content.html):
        for fact in ("Aarav Sharma", "BF-7K3M-9QZ4-XA2B-C", "₹1,500.00", "Late fee", "₹2,000.00", "₹3,500.00"):
            assert fact in form
        assert f"{DAY[language]}, {PLACE[language]} (Asia/Kolkata)" in form
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


@pytest.mark.parametrize(
    ("minor", "currency", "en", "hi"),
    [
        (12_350_000, "INR", "₹1,23,500.00", "₹1,23,500.00"),
        (5_000, "JPY", "JPY 5,000", "JPY 5,000"),
        (12_345, "KWD", "KWD 12.345", "KWD 12.345"),
        (12_345, "IQD", "IQD 12.345", "IQD 12.345"),  # the data of the locale say 0
        (15_000_000, "USD", "USD 150,000.00", "USD 1,50,000.00"),
        (-12_345_678, "CLF", "-CLF 1,234.5678", "-CLF 1,234.5678"),
        (5, "INR", "₹0.05", "₹0.05"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency_and_the_grouping_of_the_language(
    templates: JinjaTemplates, minor: int, currency: str, en: str, hi: str
) -> None:
    facts = FACTS | {"total": {"minor": minor, "currency": currency}}

    for language, written in (("en", en), ("hi", hi)):
        assert f" {written} " in f" {templates.email('fee_submitted', language, facts).subject} "
        assert f" {written.replace('₹', 'Rs ' if language == 'en' else '₹')} " in templates.sms(
            "fee_submitted", language, facts
        )


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "Pay by 8 March 2026, 23:59 (Asia/Kolkata)."), ("hi", "8 मार्च 2026, 23:59, भारत समय तक भुगतान करें")],
)
def test_a_text_message_names_the_last_minute_and_its_zone(templates: JinjaTemplates, language: str, told: str) -> None:
    assert told in templates.sms("fee_submitted", language, FACTS)


@pytest.mark.parametrize("zone", ["UTC", "Etc/GMT-5", "Antarctica/Troll", "Asia/Atlantis"])
def test_a_zone_without_a_place_is_named_by_its_id(templates: JinjaTemplates, zone: str) -> None:
    text = templates.email("fee_submitted", "hi", FACTS | {"pay_by": FACTS["pay_by"] | {"zone": zone}}).text

    assert f"{DAY['hi']} ({zone}) तक" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_that_a_former_version_wrote_out_are_left_as_they_are(templates: JinjaTemplates, language: str) -> None:
    former = {"total": "₹3,500.00", "pay_by": "08 Mar 2026, 23:50 IST", "lines": [{"why": "Fee", "amount": "₹9.00"}]}
    text = templates.email("fee_submitted", language, FACTS | former).text

    for fact in ("₹3,500.00", "08 Mar 2026, 23:50 IST", "Fee: ₹9.00"):
        assert fact in text


@pytest.mark.parametrize(
    "malformed",
    [
        {"total": {"minor": 1, "currency": "rupees"}},
        {"total": {"minor": 1}},
        {"total": 7},
        {"pay_by": {"at": "soon", "zone": "Asia/Kolkata"}},
        {"pay_by": {"zone": "UTC"}},
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_malformed_fact_is_said_to_be(templates: JinjaTemplates, language: str, malformed: dict[str, Any]) -> None:
    with pytest.raises(Unwordable):
        templates.email("fee_submitted", language, FACTS | malformed)


@pytest.mark.parametrize("pay_by", [None, FACTS["pay_by"], LONG_DAY])
@pytest.mark.parametrize("title", ["NEET UG 2026", "National Eligibility cum Entrance Test (Undergraduate) " * 3])
def test_an_english_text_message_is_one_segment(templates: JinjaTemplates, title: str, pay_by: Any) -> None:
    facts = FACTS | {"schedule_title": title, "total": LARGE_TOTAL, "pay_by": pay_by}
    sms = templates.sms("fee_submitted", "en", facts)

    assert len(sms) <= 160
    assert title[:20] in sms
    assert GSM_7.fullmatch(sms), "one character outside of GSM 03.38 makes it three segments long"


def test_an_english_text_message_about_a_large_shortage_is_one_segment(templates: JinjaTemplates) -> None:
    sms = templates.sms("out_of_stock", "en", LARGE)

    assert len(sms) <= 160
    assert GSM_7.fullmatch(sms)


@pytest.mark.parametrize(
    ("template", "facts"), [("fee_submitted", FACTS | {"total": LARGE_TOTAL}), ("out_of_stock", LARGE)]
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
