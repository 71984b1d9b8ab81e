"""The roles of accounts, and what each permits: the one table of authorization."""

from collections.abc import Mapping
from enum import StrEnum

from core.kernel.authorization import Permission


class Role(StrEnum):
    """What an account is allowed to be."""

    CANDIDATE = "candidate"
    """Submits and pays the own fees, and reads them with their receipts."""
    CLERK = "clerk"
    """Works for the candidates of one centre."""
    OFFICER = "officer"
    """Runs the fee office: schedules, roster, stock, deliveries, dead letters."""
    AUDITOR = "auditor"
    """Reads everything and changes nothing."""
    ADMINISTRATOR = "administrator"
    """Everything an officer may, and accounts and keys."""
    SERVICE = "service"
    """A program that submits and reads fees; its API keys narrow that further."""


READING = frozenset(each for each in Permission if each.endswith(":read"))
SUBMITTING = frozenset({Permission.SUBMISSIONS_READ, Permission.SUBMISSIONS_WRITE, Permission.SCHEDULES_READ})
CHANGING_ACCESS = frozenset({Permission.ACCOUNTS_WRITE, Permission.API_KEYS_WRITE})
ADMINISTERING = CHANGING_ACCESS | {Permission.ACCOUNTS_READ}
OPERATING = READING - {Permission.ACCOUNTS_READ, Permission.AUDIT_READ} | {
    Permission.SUBMISSIONS_WRITE,
    Permission.SCHEDULES_WRITE,
    Permission.STUDENTS_WRITE,
    Permission.STOCK_WRITE,
    Permission.DELIVERIES_SETTLE,
    Permission.WAIVERS_REQUEST,
    Permission.WAIVERS_DECIDE,
    Permission.ADJUSTMENTS_DECIDE,
    Permission.DEAD_LETTERS_REPLAY,
    Permission.RECEIPTS_VOID,
    Permission.PAYMENTS_TAKE,
    Permission.PAYMENTS_APPROVE,
    Permission.REFUNDS_WRITE,
    Permission.SETTLEMENTS_WRITE,
}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.CANDIDATE: SUBMITTING | {Permission.RECEIPTS_READ},
    Role.CLERK: SUBMITTING
    | {
        Permission.STUDENTS_READ,
        Permission.CLEARANCE_READ,
        Permission.DUES_READ,
        Permission.WAIVERS_REQUEST,
        Permission.PAYMENTS_TAKE,
        Permission.RECEIPTS_READ,
    },
    Role.OFFICER: OPERATING,
    Role.AUDITOR: READING,
    Role.ADMINISTRATOR: OPERATING
    | ADMINISTERING
    | {Permission.AUDIT_READ, Permission.EVENTS_REPLAY, Permission.STUDENTS_ERASE},
    Role.SERVICE: SUBMITTING
    | {Permission.STOCK_READ, Permission.STOCK_WRITE, Permission.STUDENTS_READ, Permission.CLEARANCE_READ},
}
"""The permission `system:run` belongs to no role: only the program itself has it."""
