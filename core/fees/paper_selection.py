"""The papers that a candidate selects."""

import re
from dataclasses import dataclass

from core.kernel.errors import Invalid

MAX_PAPERS = 50
"""The limit of every selection; a schedule may set a lower one."""
CODE_PATTERN = re.compile(r"[A-Za-z0-9-]{1,16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSelection:
    """The selected papers, and those of them with a practical, by the board's codes."""

    papers: tuple[str, ...]
    practicals: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse("$.papers", self.papers)
        _refuse("$.practicals", self.practicals)


def _refuse(at: str, codes: tuple[str, ...]) -> None:
    if len(codes) > MAX_PAPERS:
        raise Invalid(f"at most {MAX_PAPERS} can be chosen", at=f"{at}[{MAX_PAPERS}]")
    for index, code in enumerate(codes):
        if not isinstance(code, str) or not CODE_PATTERN.fullmatch(code):
            raise Invalid("a code is 1 to 16 letters, digits or hyphens", at=f"{at}[{index}]")
        if code in codes[:index]:
            raise Invalid(f"{code} was chosen twice", at=f"{at}[{index}]")
