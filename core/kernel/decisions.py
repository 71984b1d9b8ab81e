"""Decisions of people, such as to drop a dead letter, or to approve what another person asked for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self, TypeAlias

from core.kernel.authorization import current_principal
from core.kernel.constraints import VISIBLE_LINE, Text
from core.kernel.errors import Conflict, Invalid, Unprocessable
from core.kernel.text import line_fault

MAX_NAME_LENGTH, MAX_REASON_LENGTH = 64, 400
"""In characters; both fit into one line of a timeline."""
WHO = Text(f"one printable line of 1 to {MAX_NAME_LENGTH} characters", VISIBLE_LINE, MAX_NAME_LENGTH)
WHY = Text(f"one printable line of 1 to {MAX_REASON_LENGTH} characters", VISIBLE_LINE, MAX_REASON_LENGTH)
Who: TypeAlias = Annotated[str, WHO]
Why: TypeAlias = Annotated[str, WHY]


class SamePerson(Conflict):
    """What one person asks for another one decides."""

    problem = "same-person"


class Choice(StrEnum):
    """The two possible decisions about what another person asked for."""

    APPROVE = "approve"
    REFUSE = "refuse"


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

    @classmethod
    def of_caller(cls, why: str) -> Self:
        """Return a decision of the current principal, who cannot name another author."""
        return cls(who=current_principal.get().subject, why=why)


def check_second_person(asked: str, decides: str, what: str) -> None:
    """Raise `SamePerson` if one person asks and decides; an operator with `--as` acts under two names."""
    if not set(asked.split(" as ")).isdisjoint(decides.split(" as ")):
        raise SamePerson(f"{asked} has asked for {what}, so another person decides about it")
