"""What people decide about what machines could not."""

from dataclasses import dataclass

from core.kernel.errors import Invalid

MAX_NAME_LENGTH, MAX_REASON_LENGTH = 64, 400
"""Both fit into one line of a timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who wanted something done, and why; it is kept with what was done."""

    who: str
    why: str

    def __post_init__(self) -> None:
        for name, text, longest in (("who", self.who, MAX_NAME_LENGTH), ("why", self.why, MAX_REASON_LENGTH)):
            if not text.strip() or len(text) > longest or not text.isprintable():
                raise Invalid(f"`{name}` is one printable line of 1 to {longest} characters", at=f"$.{name}")
