"""Who acts, and what the roles of that principal permit; each use case declares the permission that it needs."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from core.kernel.errors import CoreError, Forbidden

U = TypeVar("U")


class Permission(StrEnum):
    """What a role permits; a use case needs one of these."""

    SUBMISSIONS_READ = "submissions:read"
    SUBMISSIONS_WRITE = "submissions:write"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    STUDENTS_READ = "students:read"
    STUDENTS_WRITE = "students:write"
    STUDENTS_ERASE = "students:erase"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    DELIVERIES_READ = "deliveries:read"
    DELIVERIES_SETTLE = "deliveries:settle"
    VENDORS_READ = "vendors:read"
    DEAD_LETTERS_READ = "dead-letters:read"
    DEAD_LETTERS_REPLAY = "dead-letters:replay"
    EVENTS_REPLAY = "events:replay"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    API_KEYS_WRITE = "api-keys:write"
    CLEARANCE_READ = "clearance:read"
    DUES_READ = "dues:read"
    WAIVERS_REQUEST = "waivers:request"
    WAIVERS_DECIDE = "waivers:decide"
    ADJUSTMENTS_DECIDE = "adjustments:decide"
    LEDGER_READ = "ledger:read"
    RECEIPTS_READ = "receipts:read"
    RECEIPTS_VOID = "receipts:void"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_TAKE = "payments:take"
    """Take money at the counter, and pay out what goes back there."""
    PAYMENTS_APPROVE = "payments:approve"
    """Be the second person of counter payments, and return cheques."""
    REFUNDS_WRITE = "refunds:write"
    SETTLEMENTS_READ = "settlements:read"
    SETTLEMENTS_WRITE = "settlements:write"
    AUDIT_READ = "audit:read"
    SYSTEM_RUN = "system:run"
    """The work of the program itself: consuming, sending, expiring."""


CHECKING_REACH = frozenset(
    {
        Permission.SUBMISSIONS_READ,
        Permission.SUBMISSIONS_WRITE,
        Permission.SCHEDULES_READ,
        Permission.STUDENTS_READ,
        Permission.CLEARANCE_READ,
        Permission.DUES_READ,
        Permission.WAIVERS_REQUEST,
        Permission.PAYMENTS_TAKE,
        Permission.RECEIPTS_READ,
    }
)
"""The permissions whose use cases show and change only what a principal reaches; the others see every centre."""


MAX_PROOF_AGE = timedelta(minutes=15)
"""How long a proof of identity is fresh, for deeds that give power."""


class NotAuthenticated(CoreError):
    """The request names no principal, or its credential is not valid."""

    problem = "not-authenticated"


class NotPermitted(Forbidden):
    """No role of the principal permits this."""

    problem = "not-permitted"


class StepUpNeeded(Forbidden):
    """The proof of identity is older than 15 minutes, or lacks the second factor; step up, and send it again."""

    problem = "step-up-needed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The person or program that acts, on every transport."""

    subject: str
    """`account:0197…`, `user:alice` of the operating system, `system:consumer`."""
    permissions: frozenset[Permission] = frozenset()
    account: UUID | None = None
    session: UUID | None = None
    """The session of its access token."""
    api_key: UUID | None = None
    """The API key that it sent."""
    centre: str = ""
    """The only exam centre whose records it reads and writes; empty: every centre."""
    student: UUID | None = None
    """The only student whose records it reads and writes; None: every student."""
    address: str = ""
    """Where it acts from: a network address, a topic, a terminal."""
    fresh: bool = False
    """Whether it proved its identity within `MAX_PROOF_AGE`, with the second factor if its account has one."""

    def require(self, permission: Permission) -> None:
        """Raise `NotAuthenticated` without an identity, `NotPermitted` without the permission."""
        if permission in self.permissions and (permission in CHECKING_REACH or not self.is_scoped):
            return
        if self is ANONYMOUS:
            raise NotAuthenticated("send an API key or an access token: `Authorization: Bearer …`")
        raise NotPermitted(f"this needs the permission {permission}, which {self.subject} does not have")

    def require_fresh(self) -> None:
        """Raise `StepUpNeeded` unless its identity was proved just now; an API key never is a fresh proof."""
        if not self.fresh:
            raise StepUpNeeded(
                "this needs a proof of identity from the last 15 minutes: send a code to `POST /v1/sessions/step-up`;"
                " an account without a second factor signs in again with its password, and an API key cannot step up"
            )

    @property
    def is_scoped(self) -> bool:
        """Return whether some records do not exist for the principal."""
        return bool(self.centre) or self.student is not None

    def reaches(self, student: UUID, centre: str) -> bool:
        """Return whether records of this student at this centre exist for the principal."""
        return self.student in (None, student) and self.centre in ("", centre)


ANONYMOUS = Principal(subject="anonymous")
SYSTEM = Principal(subject="system", permissions=frozenset(Permission), fresh=True)
"""The program itself, while it processes what it stored before."""

current_principal: ContextVar[Principal] = ContextVar("current_principal", default=ANONYMOUS)
"""Set by each transport for each request, message or command; without it nothing is permitted."""


class acting_as:  # noqa: N801 - it is read as a word of the `with` statement
    """Set the current principal within a block."""

    # A class, because each request enters it, and a generator takes three times as long.
    __slots__ = ("_principal", "_token")

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def __enter__(self) -> None:
        self._token = current_principal.set(self._principal)

    def __exit__(self, *_error: object) -> None:
        current_principal.reset(self._token)


def requires(permission: Permission, *, fresh: bool = False) -> Callable[[type[U]], type[U]]:
    """Declare the permission that a use case needs; without it a call raises `NotPermitted`.

    One that gives power needs a fresh proof of identity, too; without it a call raises `StepUpNeeded`.
    """

    def declare(use_case: type[U]) -> type[U]:
        call: Any = use_case.__call__

        @wraps(call)
        async def permitted_call(self: U, *arguments: Any, **named: Any) -> Any:
            caller = current_principal.get()
            caller.require(permission)
            if fresh:
                caller.require_fresh()
            return await call(self, *arguments, **named)

        members: Any = use_case
        members.__call__, members.permission, members.fresh = permitted_call, permission, fresh
        return use_case

    return declare


def open_to_all(use_case: type[U]) -> type[U]:
    """Declare that a use case needs no permission: it is what makes a caller known, or it checks a signature."""
    members: Any = use_case
    members.permission = None
    return use_case
