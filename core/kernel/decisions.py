"""Decisions of operators, such as to replay or drop a dead letter."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from core.kernel.constraints import VISIBLE_LINE, Text
from core.kernel.errors import Invalid, Unprocessable
from core.kernel.text import line_fault

MAX_NAME_LENGTH, MAX_REASON_LENGTH = 64, 400
"""In characters; both fit into one line of a timeline."""
WHO = Text(f"one printable line of 1 to {MAX_NAME_LENGTH} characters", VISIBLE_LINE, MAX_NAME_LENGTH)
WHY = Text(f"one printable line of 1 to {MAX_REASON_LENGTH} characters", VISIBLE_LINE, MAX_REASON_LENGTH)
Who: TypeAlias = Annotated[str, WHO]
Why: TypeAlias = Annotated[str, WHY]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The operator and the reason of an intervention; both are stored with it."""

    who: Who
    why: Why

    def __post_init__(self) -> None:
        for name, text, form in (("who", self.who, WHO), ("why", self.why, WHY)):
            if fault := line_fault(text, form.most or 0):
                kind = Unprocessable if form.admits(text) else Invalid
                raise kind(f"`{name}` {fault}; it is {form.rule}", at=f"$.{name}")
