"""API keys: credentials of programs, limited to some of the permissions of their account."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from core.identity.account import Account, AccountId
from core.identity.credential import ApiKeyId
from core.kernel.authorization import Permission, Principal
from core.kernel.constraints import VISIBLE_LINE, Items, Text, Whole
from core.kernel.errors import Invalid, Unprocessable
from core.kernel.text import line_fault

MAX_NAME_LENGTH, MAX_DAYS = 64, 3_650
NAME = Text(f"one printable line of 1 to {MAX_NAME_LENGTH} characters", VISIBLE_LINE, MAX_NAME_LENGTH)
DAYS = Whole(1, MAX_DAYS)
PERMISSIONS = Items(least=1, most=len(Permission), distinct=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """An API key as it is asked for."""

    account: UUID
    """Its owner."""
    name: Annotated[str, NAME]
    """What it is for: `admission portal`."""
    permissions: Annotated[tuple[Permission, ...], PERMISSIONS] | None = None
    """Some of the permissions of the account; null: all that the account and its creator have."""
    days: Annotated[int, DAYS] | None = None
    """How long it is valid; null: 365 days, or the most that the office allows if that is less."""

    def __post_init__(self) -> None:
        if fault := line_fault(self.name, MAX_NAME_LENGTH):
            kind = Unprocessable if NAME.admits(self.name) else Invalid
            raise kind(f"`name` {fault}; it is {NAME.rule}", at="$.name")
        if self.permissions is not None and not 0 < len(set(self.permissions)) == len(self.permissions):
            raise Invalid("`permissions` names at least one permission, and each once", at="$.permissions")
        if self.days is not None and not DAYS.admits(self.days):
            raise Invalid(f"`days` is a whole number from {DAYS.least} to {DAYS.most}", at="$.days")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKeySummary:
    """An API key without what could verify it."""

    id: ApiKeyId
    account: AccountId
    name: str
    permissions: frozenset[Permission]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None
    """Its last use, up to a minute before the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey(ApiKeySummary):
    """An API key on record."""

    digest: bytes = field(repr=False)
    """SHA-256 of its text: of 256 random bits a slow hash would protect nothing more."""

    def revoked(self, at: datetime) -> Self:
        """Return the key after it became invalid."""
        return replace(self, revoked_at=at)

    def audited(self) -> Mapping[str, object]:
        """Return what audit records keep of it."""
        told = {"account": self.account, "permissions": sorted(self.permissions), "expires_at": self.expires_at}
        return {**told, "revoked_at": self.revoked_at}

    def summary(self) -> ApiKeySummary:
        """Return what may be shown."""
        return ApiKeySummary(
            id=self.id,
            account=self.account,
            name=self.name,
            permissions=self.permissions,
            created_at=self.created_at,
            expires_at=self.expires_at,
            revoked_at=self.revoked_at,
            used_at=self.used_at,
        )


@dataclass(frozen=True, slots=True)
class OwnedApiKey:
    """An API key and its account."""

    key: ApiKey
    account: Account
    _principal: Principal = field(init=False, repr=False, compare=False)
    """At the address of the last request: a program sends many from one."""

    def __post_init__(self) -> None:
        permitted = self.account.principal(limit=self.key.permissions)
        object.__setattr__(self, "_principal", replace(permitted, api_key=self.key.id))

    def fault(self, now: datetime) -> str:
        """Return why the key is not valid at a moment, as the end of a sentence about it; empty if it is."""
        if self.key.revoked_at is not None:
            return "was revoked"
        if now >= self.key.expires_at:
            return f"expired at {self.key.expires_at:%Y-%m-%dT%H:%MZ}"
        return "" if self.account.active else "belongs to an account that was disabled"

    def principal(self, address: str) -> Principal:
        """Return the principal with what both the key and the account permit."""
        if self._principal.address != address:
            object.__setattr__(self, "_principal", replace(self._principal, address=address))
        return self._principal


@dataclass(frozen=True, slots=True)
class IssuedApiKey:
    """A new API key with its text, which is shown this once."""

    key: ApiKeySummary
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKeyPage:
    """A page of API keys, the oldest first."""

    items: tuple[ApiKeySummary, ...]
    next: ApiKeyId | None
    """The `after` of the next page; None on the last page."""
