from typing import Any

import pytest

from core.kernel.errors import Invalid
from core.students.student import Enrolment


def an_enrolment(**changes: Any) -> Enrolment:
    return Enrolment(**({"registration": "T-1", "name": "Asha", "category": "general"} | changes))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("registration", "2026.T-1_b"),
        ("registration", "1" * 32),
        ("name", "आशा कुलकर्णी"),
        ("name", "O'Neil-Strauß, Jr."),
        ("category", "obc-ncl"),
        ("country", "AE"),
        ("centre", ""),
        ("email", ""),
        ("email", "o'neil+exam@mail.example.org"),
        ("phone", ""),
        ("phone", "+971501234567"),
        ("language", "hi"),
    ],
)
def test_a_field_of_the_right_form_is_taken(field: str, value: str) -> None:
    assert getattr(an_enrolment(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("registration", ""),
        ("registration", "2026/T-1"),
        ("registration", "T-1\n"),
        ("registration", "Т-1"),
        ("name", ""),
        ("name", "Asha\n"),
        ("name", "Asha\x7f"),
        ("category", "General"),
        ("category", ""),
        ("country", "IND"),
        ("country", "in"),
        ("centre", "DEL 014"),
        ("centre", "D" * 17),
        ("email", "asha"),
        ("email", "asha@example.org\n"),
        ("email", "@example.org"),
        ("email", "asha@example."),
        ("phone", "+91"),
        ("phone", "+919812345601\n"),
        ("phone", "+९१९८१२३४५६०१"),
        ("language", "eng"),
        ("certificates", frozenset({"pwbd", "third gender"})),
        ("certificates", frozenset({""})),
    ],
)
def test_a_field_of_another_form_is_refused_with_its_path(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        an_enrolment(**{field: value})

    assert refusal.value.at == f"$.{field}"


def test_the_shortest_enrolment_is_of_the_country_and_written_to_in_english() -> None:
    assert (an_enrolment().country, an_enrolment().language) == ("IN", "en")
