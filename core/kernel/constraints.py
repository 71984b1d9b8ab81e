"""Constraints of values: stated once in a type, enforced by the core, and published by the edges in their documents."""

import re
from dataclasses import dataclass, field
from typing import Any

from core.kernel.errors import Invalid

UNREADABLE = r"\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
"""Controls, line breaks, and characters that are invisible or change directions; joiners belong to Indic words."""
BLANK = r" \xa0\xad\u1680\u2000-\u200a\u200c\u200d\u202f\u205f\u3000"
VISIBLE_LINE = f"[^{UNREADABLE}]*[^{UNREADABLE}{BLANK}][^{UNREADABLE}]*"
"""One line of text with something to read in it."""
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Text:
    """The form of a text."""

    rule: str
    """The form in words: `1 to 16 letters, digits or hyphens`."""
    pattern: str | None = None
    """All of the text matches it; Python and ECMA 262 read it alike."""
    most: int | None = None
    """In characters; None: the pattern limits it."""
    format: str | None = None
    """Its name in JSON Schema: `date-time`."""
    _form: re.Pattern[str] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_form", re.compile(self.pattern) if self.pattern is not None else None)

    def admits(self, text: object) -> bool:
        """Tell whether a value is a text of this form; a lone surrogate is no text."""
        return (
            isinstance(text, str)
            and (self.most is None or len(text) <= self.most)
            and (self._form is None or self._form.fullmatch(text) is not None)
            and (text.isascii() or not SURROGATE.search(text))
        )

    def check(self, name: str, text: object, error: type[Invalid] = Invalid) -> None:
        """Raise `error` unless the field `name` has this form."""
        if not self.admits(text):
            raise error(f"`{name}` is {self.rule}", at=f"$.{name}")


@dataclass(frozen=True, slots=True)
class Whole:
    """The range of a whole number, both ends included."""

    least: int
    most: int

    def admits(self, number: Any) -> bool:
        """Tell whether a value is a whole number of this range."""
        return type(number) is int and self.least <= number <= self.most  # a bool is an int to isinstance


@dataclass(frozen=True, slots=True)
class Items:
    """The number of items of a list, and whether they differ."""

    least: int = 0
    most: int | None = None
    distinct: bool = False


Constraint = Text | Whole | Items
