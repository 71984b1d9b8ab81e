"""Accounts: the persons and programs that Bursar knows, with what each may do and whose records it reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Annotated, NewType, Self
from uuid import UUID

from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import NotPermitted, Permission, Principal, current_principal
from core.kernel.constraints import VISIBLE_LINE, Items, Text
from core.kernel.errors import Invalid, Unprocessable
from core.kernel.text import line_fault

AccountId = NewType("AccountId", UUID)
MAX_NAME_LENGTH, MAX_EMAIL_LENGTH = 120, 254
NAME = Text(f"one printable line of 1 to {MAX_NAME_LENGTH} characters", VISIBLE_LINE, MAX_NAME_LENGTH)
EMAIL = Text("an e-mail address, or empty", r"([!-?A-~]{1,64}@[!-?A-~]{1,189})?", MAX_EMAIL_LENGTH)
CENTRE = Text("1 to 16 letters, digits or hyphens, or empty", r"[A-Za-z0-9-]{0,16}")
ROLES = Items(least=1, most=len(Role), distinct=True)
EVERYTHING = frozenset(Permission)
NEEDS = {Role.CLERK: "centre", Role.CANDIDATE: "student"}
"""The field that names whose records a role reaches; other roles reach the records of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account as it is asked for."""

    roles: Annotated[tuple[Role, ...], ROLES]
    name: Annotated[str, NAME]
    email: Annotated[str, EMAIL] = ""
    centre: Annotated[str, CENTRE] = ""
    """The exam centre of a clerk; empty for others."""
    student: UUID | None = None
    """The student that a candidate is, by id; null for others."""

    def __post_init__(self) -> None:
        EMAIL.check("email", self.email)
        CENTRE.check("centre", self.centre)
        check_roles(self.roles)
        if fault := line_fault(self.name, MAX_NAME_LENGTH):
            kind = Unprocessable if NAME.admits(self.name) else Invalid
            raise kind(f"`name` {fault}; it is {NAME.rule}", at="$.name")
        check_reach(self.roles, centre=self.centre, student=self.student)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRoles:
    """What an account is to be, and at which centre."""

    roles: Annotated[tuple[Role, ...], ROLES]
    centre: Annotated[str, CENTRE] = ""
    """The exam centre of a clerk; empty for others."""

    def __post_init__(self) -> None:
        CENTRE.check("centre", self.centre)
        check_roles(self.roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One person or program."""

    id: AccountId
    roles: frozenset[Role]
    name: str
    email: str = ""
    centre: str = ""
    student: UUID | None = None
    active: bool = True
    """Whether it may act; an account is never deleted, because records name it."""
    created_at: datetime
    version: int = 1

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what its roles permit."""
        return permissions_of(self.roles)

    def principal(self, address: str = "", limit: frozenset[Permission] = EVERYTHING) -> Principal:
        """Return the principal with what the roles permit within a limit."""
        return Principal(
            subject=f"account:{self.id}",
            permissions=self.permissions & limit,
            account=self.id,
            centre=self.centre,
            student=self.student,
            address=address,
        )

    def disabled(self) -> Self:
        """Return the account after it lost the right to act."""
        return replace(self, active=False, version=self.version + 1)

    def enabled(self) -> Self:
        """Return the account after it got the right to act back."""
        return replace(self, active=True, version=self.version + 1)

    def with_roles(self, asked: AccountRoles) -> Self:
        """Return the account with other roles; raise `Unprocessable` for roles that it cannot have."""
        if (Role.CANDIDATE in asked.roles) != (self.student is not None):
            fault = "the account of a student stays a candidate, and no other account becomes one: create an account"
            raise Unprocessable(fault, at="$.roles")
        check_reach(asked.roles, centre=asked.centre, student=self.student)
        return replace(self, roles=frozenset(asked.roles), centre=asked.centre, version=self.version + 1)

    def audited(self) -> Mapping[str, object]:
        """Return what audit records keep of it: no personal data."""
        return {"roles": sorted(self.roles), "centre": self.centre, "student": self.student, "active": self.active}


def check_roles(roles: Sequence[Role]) -> None:
    """Raise `Invalid` unless there is a role, and each once."""
    if not roles or len(set(roles)) < len(roles):
        raise Invalid("`roles` names at least one role, and each once", at="$.roles")


def check_reach(roles: Sequence[Role], *, centre: str, student: UUID | None) -> None:
    """Raise `Unprocessable` unless a clerk has one centre, a candidate one student, and others neither."""
    reaching = [role for role in roles if role in NEEDS]
    if reaching and len(roles) > 1:
        raise Unprocessable(f"the role {reaching[0]} stands alone: it limits whose records exist", at="$.roles")
    needed = {NEEDS[role] for role in reaching}
    for field, given in (("centre", bool(centre)), ("student", bool(student))):
        if given != (field in needed):
            fault = f"needs a {field}" if field in needed else f"has no {field}: every {field} is in its reach"
            raise Unprocessable(f"an account with the role {roles[0]} {fault}", at=f"$.{field}")


@cache
def permissions_of(roles: frozenset[Role]) -> frozenset[Permission]:
    """Return what at least one of the roles permits."""
    return frozenset[Permission]().union(*(PERMISSIONS[role] for role in roles))


def check_power_over(roles: frozenset[Role]) -> None:
    """Raise `NotPermitted` for roles that permit what the current principal may not do."""
    if missing := permissions_of(roles) - current_principal.get().permissions:
        raise NotPermitted(f"the roles of this account permit what you may not do: {', '.join(sorted(missing))}")


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A page of accounts, the oldest first."""

    items: tuple[Account, ...]
    next: AccountId | None
    """The `after` of the next page; None on the last page."""
