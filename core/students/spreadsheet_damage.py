"""What a spreadsheet program leaves in place of a value that it has destroyed."""

import re

from core.kernel.errors import Invalid

ERROR_VALUE = re.compile(r"#(#+|REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|GETTING_DATA)")
MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
DAY_OR_MONTH = "(?:0?[1-9]|[12][0-9]|3[01])"
CONVERTED = re.compile(
    r"(?P<number>[0-9]+[.,][0-9]+[Ee][+-]?[0-9]+|[0-9]+[Ee][+-][0-9]+|[0-9]{4,}[.,]0+)"
    rf"|[0-9]{{1,2}}[ /-](?i:{MONTH})[ /-](?:[0-9]{{2}}|[0-9]{{4}})|{MONTH}-[0-9]{{2}}|[0-9]{{1,2}}-{MONTH}"
    rf"|{DAY_OR_MONTH}(?P<mark>[/.-]){DAY_OR_MONTH}(?P=mark)(?:19|20)[0-9]{{2}}"
    r"|[0-9/.-]+ [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
)
"""Such as `2.02601E+11`, `202601.0`, `05-Jan-23`, `Jan-23`, `5-Jan`, `01/02/2023`; not `12E3` and `MAR-23`."""


def error_value(text: str) -> str | None:
    """Return what is wrong with a cell that shows an error of the spreadsheet, as the end of a sentence; else None."""
    shows_error = text.startswith("#") and ERROR_VALUE.fullmatch(text.upper())
    return "is an error of the spreadsheet, not a value" if shows_error else None


def converted(text: str) -> str | None:
    """Return what is wrong with an identifier that the spreadsheet took for a number or a date; else None."""
    if not (found := CONVERTED.fullmatch(text)):
        return None
    kind = "a number" if found["number"] else "a date"
    remedy = "format the column as Text, enter the values again, and export again"
    return f"was destroyed by a spreadsheet (Excel) that took it for {kind}: {remedy}"


def refuse_damaged(column: str, text: str, *, is_identifier: bool = False) -> None:
    """Raise `Invalid` for a cell that shows an error, or for an identifier that was converted."""
    if damage := error_value(text) or (converted(text) if is_identifier else None):
        raise Invalid(f"{column} {text[:40]!r} {damage}", at=f"$.{column}")
