"""Decisions of operators, such as to replay or drop a dead letter."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from core.kernel.constraints import VISIBLE_LINE, Text

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
        WHO.check("who", self.who)
        WHY.check("why", self.why)
