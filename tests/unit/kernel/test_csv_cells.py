"""Cells that a spreadsheet program would execute."""

from hypothesis import given
from hypothesis import strategies as st

from core.kernel.csv_cells import csv_lines, guarded, unguarded


@given(st.text(alphabet="'=+-@\t\rA1 ,\"", max_size=6))
def test_a_guarded_text_is_no_formula_and_is_read_as_it_was(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(text)) == text


def test_texts_of_a_file_are_guarded_and_numbers_are_not() -> None:
    rows = csv_lines([("=cmd|' /C calc'!A0", -5), ('a,"b"', 7), ("'quoted", 0)])

    assert rows == b'\'=cmd|\' /C calc\'!A0,-5\r\n"a,""b""",7\r\n\'quoted,0\r\n'
