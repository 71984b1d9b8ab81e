from dataclasses import replace

import pytest

from core.fees.errors import InvalidSchedule
from core.fees.pricing.flat_fee import FlatFee
from core.kernel.decisions import Decision
from core.kernel.errors import Invalid
from core.kernel.text import decode_utf8, escape_unprintable, line_fault, unprintable_positions
from tests.examples import a_schedule

PRINTABLE = [
    "Fee Office",
    "परीक्षा शुल्क",
    "ശ്രീ നായര്\u200d",
    "র\u200d্যাব",
    "نظام\u200cالدین",
    "عربي",
    "NBSP\u00a0too",
    "🎓 ₹",
]
UNPRINTABLE = {
    "zero-width space": "Fee\u200b",
    "only invisible": "\u200b\u2060",
    "direction override": "Fee \u202eeciffO",
    "isolate": "\u2066Fee\u2069",
    "left-to-right mark": "Fee\u200e",
    "soft hyphen": "Fee\u00adOffice",
    "joiner between Latin letters": "Fee\u200dOffice",
    "joiner that begins": "\u200dशुल्क",
    "two joiners": "शुल्\u200d\u200dक",
    "Hangul filler": "\u3164",
    "braille blank": "Fee\u2800",
    "variation selector": "Fee\ufe0f",
    "tag": "Fee\U000e0041",
    "line separator": "Fee\u2028Office",
    "C1 control": "Fee\x9b2J",
    "line end": "Fee\nOffice",
    "surrogate": "Fee\ud800",
    "private use": "Fee\ue000",
    "byte order mark": "\ufeffFee",
    "spaces": " \u00a0\u3000",
}


@pytest.mark.parametrize("text", PRINTABLE)
def test_letters_of_every_language_and_their_joiners_are_printable(text: str) -> None:
    assert (line_fault(text, 40), escape_unprintable(text)) == (None, text)


@pytest.mark.parametrize("text", UNPRINTABLE.values(), ids=UNPRINTABLE.keys())
def test_what_is_not_printable_is_refused_in_names_titles_and_decisions_alike(text: str) -> None:
    with pytest.raises(Invalid, match=r"which is not printable|is empty"):
        Decision(who="asha", why=text)
    with pytest.raises(InvalidSchedule, match=r"the title (has U\+|is empty)|a title is one printable line"):
        replace(a_schedule(), title=text).refuse_to_publish()
    with pytest.raises(InvalidSchedule, match=r"the title (has U\+|is empty)|a title is one printable line"):
        replace(a_schedule(), rules=(FlatFee(head="examination", title=text, amount=1),)).refuse_to_publish()
    assert list(unprintable_positions(escape_unprintable(text))) == []


CP1252 = 'title = "Prüfung"\nnext = "x"'.encode("cp1252")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (CP1252, "a.toml is not UTF-8 text (byte 12, 0xfc in line 1): save it as UTF-8"),
        (b"\xef\xbb\xbfa = 1\nb = '\xff'", "(byte 12, 0xff in line 2)"),
        ("a = 1".encode("utf-16"), "a.toml is UTF-16"),
        ("a = 1".encode("utf-16-le"), "a.toml is UTF-16"),
        (b"\xe0\xa4", "byte 1, 0xe0 in line 1"),
    ],
)
def test_a_file_in_another_encoding_is_refused_with_its_name_the_place_and_a_remedy(content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refusal:
        decode_utf8(content, "a.toml")

    assert words in str(refusal.value)


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode_utf8("\ufeffशुल्क".encode(), "a.toml") == "शुल्क"
