"""Cells of CSV files: a spreadsheet program executes a text that begins like a formula, so a quote goes before it."""

import csv
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from io import StringIO
from typing import TypeAlias

Cell: TypeAlias = str | int | Decimal
FORMULA = re.compile(r"'*[=+\-@\t\r]")
GUARDED = re.compile(r"'+[=+\-@\t\r]")


def guarded(text: str) -> str:
    """Return a text that no spreadsheet program takes for a formula."""
    return f"'{text}" if FORMULA.match(text) else text


def unguarded(text: str) -> str:
    """Return the text that `guarded` was given."""
    return text[1:] if GUARDED.match(text) else text


def csv_lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return rows as lines of CSV in UTF-8, their texts guarded; numbers stay numbers."""
    text = StringIO()
    csv.writer(text).writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()
