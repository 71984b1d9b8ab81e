"""Decisions of operators, such as to replay or drop a dead letter."""

from dataclasses import dataclass

from core.kernel.errors import Invalid
from core.kernel.text import line_fault

MAX_NAME_LENGTH, MAX_REASON_LENGTH = 64, 400
"""In characters; both fit into one line of a timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The operator and the reason of an intervention; both are stored with it."""

    who: str
    why: str

    def __post_init__(self) -> None:
        for name, text, longest in (("who", self.who, MAX_NAME_LENGTH), ("why", self.why, MAX_REASON_LENGTH)):
            if fault := line_fault(text, longest):
                rule = f"it is one printable line of 1 to {longest} characters"
                raise Invalid(f"`{name}` {fault}; {rule}", at=f"$.{name}")
