"""What a candidate wants to sit."""

import re
from dataclasses import dataclass

from core.shared.errors import Invalid

MOST = 50
"""No candidate sits more papers than this; a schedule may allow fewer."""
_CODE = re.compile(r"[A-Za-z0-9-]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The papers a candidate chose, and those of them with a practical, by the board's codes."""

    papers: tuple[str, ...]
    practicals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse("$.papers", self.papers)
        _refuse("$.practicals", self.practicals)


def _refuse(at: str, codes: tuple[str, ...]) -> None:
    if len(codes) > MOST:
        raise Invalid(f"at most {MOST} can be chosen", at=f"{at}[{MOST}]")
    for index, code in enumerate(codes):
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise Invalid("a code is 1 to 16 letters, digits or hyphens", at=f"{at}[{index}]")
        if code in codes[:index]:
            raise Invalid(f"{code} was chosen twice", at=f"{at}[{index}]")
