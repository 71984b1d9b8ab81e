"""What a spreadsheet program leaves in place of a value that it has destroyed."""

import re

from core.kernel.errors import Invalid

ERROR_VALUE = re.compile(r"#(#+|REF!|N/A|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|FIELD!|GETTING_DATA)")
NUMBER = re.compile(r"[0-9]+[.,][0-9]+[Ee][+-]?[0-9]+|[0-9]+[Ee][+-][0-9]+|[0-9]{4,}[.,]0+")
"""`2.02601E+11` and `202601.0`; a registration such as `12E3` is none."""
MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
DAY_OR_MONTH = "(?:0?[1-9]|[12][0-9]|3[01])"
DATE = re.compile(
    rf"[0-9]{{1,2}}[ /-](?i:{MONTH})[ /-](?:[0-9]{{2}}|[0-9]{{4}})|{MONTH}-[0-9]{{2}}|[0-9]{{1,2}}-{MONTH}"
    rf"|{DAY_OR_MONTH}([/.-]){DAY_OR_MONTH}\1(?:19|20)[0-9]{{2}}"
    r"|[0-9/.-]+ [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
)
"""`05-Jan-23`, `Jan-23`, `5-Jan`, `01/02/2023`, and a date with a time; `MAR-23` is none."""


def refuse_error_value(column: str, text: str) -> None:
    """Raise `Invalid` for a cell that shows an error of the spreadsheet."""
    if ERROR_VALUE.fullmatch(text.upper()):
        raise Invalid(f"{column} {text[:40]!r} is an error of the spreadsheet, not a value", at=f"$.{column}")


def refuse_converted(column: str, text: str) -> None:
    """Raise `Invalid` for an identifier that the spreadsheet took for a number or a date."""
    for shape, kind in ((NUMBER, "a number"), (DATE, "a date")):
        if shape.fullmatch(text):
            cause = f"{column} {text!r} was destroyed by a spreadsheet (Excel) that took it for {kind}"
            remedy = "format the column as Text, enter the values again, and export again"
            raise Invalid(f"{cause}: {remedy}", at=f"$.{column}")
