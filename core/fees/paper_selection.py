"""The papers that a candidate selects."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from core.kernel.constraints import Items, Text
from core.kernel.errors import Invalid

MAX_PAPERS = 50
"""The limit of every selection; a schedule may set a lower one."""
CODE = Text("1 to 16 letters, digits or hyphens", r"[A-Za-z0-9-]{1,16}")
Codes: TypeAlias = Annotated[tuple[Annotated[str, CODE], ...], Items(most=MAX_PAPERS, distinct=True)]
"""The board's codes of papers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperSelection:
    """The selected papers, and those of them with a practical, by the board's codes."""

    papers: Codes
    practicals: Codes = ()

    def __post_init__(self) -> None:
        _refuse("$.papers", self.papers)
        _refuse("$.practicals", self.practicals)


def _refuse(at: str, codes: tuple[str, ...]) -> None:
    if len(codes) > MAX_PAPERS:
        raise Invalid(f"at most {MAX_PAPERS} can be chosen", at=f"{at}[{MAX_PAPERS}]")
    for index, code in enumerate(codes):
        if not CODE.admits(code):
            raise Invalid(f"a code is {CODE.rule}", at=f"{at}[{index}]")
        if code in codes[:index]:
            raise Invalid(f"{code} was chosen twice", at=f"{at}[{index}]")
