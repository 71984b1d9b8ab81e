"""Parsing of TOML, whose faults are told in sentences."""

import tomllib
from typing import Any

from core.kernel.errors import Invalid


def parse_toml(text: str, name: str, refusal: type[Invalid]) -> dict[str, Any]:
    """Parse a document; raise `refusal` with `name` for text that is no TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise refusal(f"{name} is not TOML: {as_sentence(error)}") from error


def as_sentence(error: Exception) -> str:
    """Return what is wrong with a document; Python's own words for two cases are for programmers."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return "a number has thousands of digits" if "digits" in str(error) else str(error)
