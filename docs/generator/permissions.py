"""What each role permits, and which permission each use case needs."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from core.identity.roles import PERMISSIONS, Role
from core.kernel.authorization import CHECKING_REACH, Permission
from core.use_cases import UseCases
from docs.generator.markdown import code, summary, table


def roles() -> str:
    """Return which role has which permission."""
    rows = [
        [code(permission), *("yes" if permission in PERMISSIONS[role] else "" for role in Role)]
        for permission in Permission
    ]
    return table(("permission", *(code(role) for role in Role)), rows)


def needed_permissions() -> str:
    """Return what each use case needs, and whether a centre or a student narrows it."""
    rows = [(code(each.__name__), summary(each), *needed(each.permission), fresh(each)) for each in use_case_types()]
    return table(("use case", "what it does", "permission", "within the own centre", "fresh proof"), rows)


def fresh(use_case: Any) -> str:
    """Return the last cell of a row."""
    return "yes" if getattr(use_case, "fresh", False) else ""


def needed(permission: Permission | None) -> tuple[str, str]:
    """Return the third and fourth cell of a row."""
    if permission is None:
        return "none", ""
    return code(permission), "yes" if permission in CHECKING_REACH else ""


def use_case_types() -> Iterator[Any]:
    """Yield every use case, in the order of the contexts."""
    for collection in get_type_hints(UseCases.__init__).values():
        if arguments := get_args(collection):
            hints = get_type_hints(arguments[1])
            yield from (hints[each.name] for each in fields(arguments[1]) if each.init)


PERMISSION_BY_OPERATION: Mapping[str, Permission] = {
    "importStudents": Permission.STUDENTS_WRITE,
    "findStudent": Permission.STUDENTS_READ,
    "publishFeeSchedule": Permission.SCHEDULES_WRITE,
    "listFeeSchedules": Permission.SCHEDULES_READ,
    "quoteExamFee": Permission.SUBMISSIONS_WRITE,
    "submitExamFee": Permission.SUBMISSIONS_WRITE,
    "submitExamFees": Permission.SUBMISSIONS_WRITE,
    "showExamFee": Permission.SUBMISSIONS_READ,
    "followTimeline": Permission.SUBMISSIONS_READ,
    "payExamFee": Permission.SUBMISSIONS_WRITE,
    "showPayments": Permission.SUBMISSIONS_READ,
    "listExamFees": Permission.SUBMISSIONS_READ,
    "createBatch": Permission.STOCK_WRITE,
    "showBatch": Permission.STOCK_READ,
    "changeBatch": Permission.STOCK_WRITE,
    "allocate": Permission.STOCK_WRITE,
    "showAllocations": Permission.STOCK_READ,
    "showAvailability": Permission.STOCK_READ,
    "shipOrder": Permission.STOCK_WRITE,
    "deallocate": Permission.STOCK_WRITE,
    "cancelOrder": Permission.STOCK_WRITE,
    "listDeadLetters": Permission.DEAD_LETTERS_READ,
    "showDeadLetter": Permission.DEAD_LETTERS_READ,
    "replayDeadLetter": Permission.DEAD_LETTERS_REPLAY,
    "dropDeadLetter": Permission.DEAD_LETTERS_REPLAY,
    "replayDeadLetters": Permission.DEAD_LETTERS_REPLAY,
    "dropDeadLetters": Permission.DEAD_LETTERS_REPLAY,
    "listDeliveries": Permission.DELIVERIES_READ,
    "settleDelivery": Permission.DELIVERIES_SETTLE,
    "listVendors": Permission.VENDORS_READ,
    "createAccount": Permission.ACCOUNTS_WRITE,
    "listAccounts": Permission.ACCOUNTS_READ,
    "disableAccount": Permission.ACCOUNTS_WRITE,
    "enableAccount": Permission.ACCOUNTS_WRITE,
    "changeRoles": Permission.ACCOUNTS_WRITE,
    "createApiKey": Permission.API_KEYS_WRITE,
    "listApiKeys": Permission.ACCOUNTS_READ,
    "revokeApiKey": Permission.API_KEYS_WRITE,
    "inviteAccount": Permission.ACCOUNTS_WRITE,
    "createPasswordLink": Permission.ACCOUNTS_WRITE,
    "showBalance": Permission.LEDGER_READ,
    "listReceipts": Permission.RECEIPTS_READ,
    "voidReceipt": Permission.RECEIPTS_VOID,
    "showReceipt": Permission.RECEIPTS_READ,
    "printReceipt": Permission.RECEIPTS_READ,
    "showStatement": Permission.SUBMISSIONS_READ,
    "listClearance": Permission.CLEARANCE_READ,
    "downloadHallList": Permission.CLEARANCE_READ,
    "downloadDues": Permission.DUES_READ,
    "downloadDuesByCentre": Permission.DUES_READ,
    "downloadDayBook": Permission.LEDGER_READ,
    "downloadCollection": Permission.LEDGER_READ,
    "importSettlement": Permission.SETTLEMENTS_WRITE,
    "requestRepricing": Permission.SCHEDULES_WRITE,
    "showRepricing": Permission.PAYMENTS_READ,
    "startRepricing": Permission.SCHEDULES_WRITE,
    "listAdjustments": Permission.PAYMENTS_READ,
    "decideAdjustment": Permission.ADJUSTMENTS_DECIDE,
    "decideAdjustments": Permission.ADJUSTMENTS_DECIDE,
    "requestWaiver": Permission.WAIVERS_REQUEST,
    "listWaivers": Permission.PAYMENTS_READ,
    "decideWaiver": Permission.WAIVERS_DECIDE,
    "retractWaiver": Permission.WAIVERS_DECIDE,
    "takeCounterPayment": Permission.PAYMENTS_TAKE,
    "payOutRefund": Permission.PAYMENTS_TAKE,
    "listCounterPayments": Permission.PAYMENTS_READ,
    "decideCounterPayment": Permission.PAYMENTS_APPROVE,
    "bounceCheque": Permission.PAYMENTS_APPROVE,
    "refundPayment": Permission.REFUNDS_WRITE,
    "settleRefund": Permission.REFUNDS_WRITE,
    "listRefunds": Permission.PAYMENTS_READ,
    "listSettlementExceptions": Permission.SETTLEMENTS_READ,
    "settleSettlementException": Permission.SETTLEMENTS_WRITE,
    "listAuditRecords": Permission.AUDIT_READ,
}
"""What each operation of HTTP needs; the others need an account, or make one known. A test tries every role."""


def operations() -> str:
    """Return which role may call which operation of HTTP."""
    rows = [
        [code(operation), *("yes" if permission in PERMISSIONS[role] else "" for role in Role)]
        for operation, permission in PERMISSION_BY_OPERATION.items()
    ]
    return table(("operation", *(code(role) for role in Role)), rows)
