"""Decisions of operators, such as to replay or drop a dead letter."""

from dataclasses import dataclass

from core.kernel.errors import Invalid

MAX_NAME_LENGTH, MAX_REASON_LENGTH = 64, 400
"""In characters; both fit into one line of a timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The operator and the reason of an intervention; both are stored with it."""

    who: str
    why: str

    def __post_init__(self) -> None:
        for name, text, longest in (("who", self.who, MAX_NAME_LENGTH), ("why", self.why, MAX_REASON_LENGTH)):
            if not text.strip() or len(text) > longest or not text.isprintable():
                raise Invalid(f"`{name}` is one printable line of 1 to {longest} characters", at=f"$.{name}")
