"""The forms of names of schedules, categories, certificates, heads and kits."""

import re
from collections.abc import Iterator, Sequence

from core.fees.errors import InvalidSchedule

MAX_NAMES = 32
MAX_TITLE_LENGTH = 200
"""In characters; a title is one printable line."""
NAME_PATTERN = re.compile(r"[a-z0-9-]{1,32}")
SKU_PATTERN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def is_name(text: object) -> bool:
    """Tell whether this is a valid name of a schedule, a category, a certificate or a head."""
    return isinstance(text, str) and NAME_PATTERN.fullmatch(text) is not None


def is_sku(text: object) -> bool:
    """Tell whether this is a valid sku of the inventory."""
    return isinstance(text, str) and SKU_PATTERN.fullmatch(text) is not None


def contradictions(names: Sequence[str], at: str) -> Iterator[InvalidSchedule]:
    """Yield each fault of a list of names."""
    if len(names) > MAX_NAMES:
        yield InvalidSchedule(f"there are more than {MAX_NAMES}", at=at)
    for index, name in enumerate(names):
        if not is_name(name):
            yield InvalidSchedule("a name is 1 to 32 small letters, digits or hyphens", at=f"{at}[{index}]")
        if name in names[:index]:
            yield InvalidSchedule(f"{name} is there twice", at=f"{at}[{index}]")
