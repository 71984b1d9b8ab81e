"""The forms of names of schedules, categories, certificates, heads and kits."""

from collections.abc import Iterator, Sequence
from typing import Annotated, TypeAlias

from core.fees.errors import InvalidSchedule
from core.kernel.constraints import VISIBLE_LINE, Items, Text

MAX_NAMES = 32
MAX_TITLE_LENGTH = 200
"""In characters; a title is one printable line."""
NAME = Text("1 to 32 small letters, digits or hyphens", r"[a-z0-9-]{1,32}")
SKU = Text("1 to 64 of A-Z a-z 0-9 . _ : -, a letter or digit first", r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
TITLE = Text("one printable line of 1 to 200 characters", VISIBLE_LINE, MAX_TITLE_LENGTH)
Name: TypeAlias = Annotated[str, NAME]
"""The code of a schedule, a category, a certificate or a head."""
Names: TypeAlias = Annotated[tuple[Name, ...], Items(most=MAX_NAMES, distinct=True)]
Title: TypeAlias = Annotated[str, TITLE]


def is_name(text: object) -> bool:
    """Tell whether this is a valid name of a schedule, a category, a certificate or a head."""
    return NAME.admits(text)


def is_sku(text: object) -> bool:
    """Tell whether this is a valid sku of the inventory."""
    return SKU.admits(text)


def contradictions(names: Sequence[str], at: str) -> Iterator[InvalidSchedule]:
    """Yield each fault of a list of names."""
    if len(names) > MAX_NAMES:
        yield InvalidSchedule(f"there are more than {MAX_NAMES}", at=at)
    for index, name in enumerate(names):
        if not is_name(name):
            yield InvalidSchedule(f"a name is {NAME.rule}", at=f"{at}[{index}]")
        if name in names[:index]:
            yield InvalidSchedule(f"{name} is there twice", at=f"{at}[{index}]")
