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


def refuse_error_value(column: str, text: str) -> None:
    """Raise `Invalid` for a cell that shows an error of the spreadsheet."""
    if text.startswith("#") and ERROR_VALUE.fullmatch(text.upper()):
        raise Invalid(f"{column} {text[:40]!r} is an error of the spreadsheet, not a value", at=f"$.{column}")


def refuse_converted(column: str, text: str) -> None:
    """Raise `Invalid` for an identifier that the spreadsheet took for a number or a date."""
    if found := CONVERTED.fullmatch(text):
        kind = "a number" if found["number"] else "a date"
        cause = f"{column} {text!r} was destroyed by a spreadsheet (Excel) that took it for {kind}"
        remedy = "format the column as Text, enter the values again, and export again"
        raise Invalid(f"{cause}: {remedy}", at=f"$.{column}")
