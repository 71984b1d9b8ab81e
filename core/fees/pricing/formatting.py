"""The English texts that explain the lines of a quote."""

from datetime import date


def format_count(number: int, noun: str) -> str:
    """Return `1 paper` or `5 papers`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_percent(basis_points: int) -> str:
    """Return `50 %` for 5000 basis points and `12.5 %` for 1250."""
    whole, rest = divmod(basis_points, 100)
    return (f"{whole}.{rest:02}".rstrip("0") if rest else f"{whole}") + " %"


def format_date(day: date) -> str:
    """Return `1 October 2019`."""
    return f"{day.day} {day:%B} {day.year}"
