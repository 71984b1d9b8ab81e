"""The constraints of values."""

import pytest

from core.kernel.constraints import VISIBLE_LINE, Text, Whole
from core.kernel.errors import Invalid

LINE = Text("one line", VISIBLE_LINE, 20)


@pytest.mark.parametrize("text", ["Asha", "É", "आशा कुलकर्णी", "क्\u200dष", "a\u00a0b", "x" * 20])
def test_a_line_that_people_can_read_is_admitted(text: str) -> None:
    assert LINE.admits(text)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\u00a0", "\u200d", "a\nb", "a\x85b", "a\u200bb", "\u202eabc", "\ufeffa", "\ud800", "x" * 21, 1, None],
)
def test_a_line_that_is_blank_long_or_invisible_in_a_place_is_not(text: object) -> None:
    assert not LINE.admits(text)


@pytest.mark.parametrize(
    ("number", "admitted"), [(1, True), (9, True), (0, False), (10, False), (True, False), (1.0, False)]
)
def test_a_range_includes_its_ends_and_no_other_kind_of_number(number: object, admitted: bool) -> None:
    assert Whole(1, 9).admits(number) is admitted


def test_a_refusal_names_the_field_and_the_rule() -> None:
    with pytest.raises(Invalid, match="`who` is one line") as refusal:
        LINE.check("who", "")

    assert refusal.value.at == "$.who"
