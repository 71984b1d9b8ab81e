"""What Stripe's errors are about (https://docs.stripe.com/error-codes, https://docs.stripe.com/api/errors)."""

from collections.abc import Iterable, Mapping

from adapters.gateway_answers import gateway_refusal
from adapters.vendor_answers import About
from adapters.vendor_http import VendorResponse
from core.kernel.errors import CoreError

CODES: Mapping[About, Iterable[str]] = {
    About.MESSAGE: ("resource_missing", "charge_already_refunded", "charge_disputed"),
    About.RECIPIENT: ("balance_insufficient", "insufficient_funds"),  # the same refund succeeds later
    About.ACCOUNT: ("api_key_expired", "platform_api_key_expired", "secret_key_required", "account_invalid"),
    About.VENDOR: ("rate_limit", "lock_timeout"),
    About.UNKNOWN: ("idempotency_key_in_use",),  # the other request of this id is under way
}
ABOUT: Mapping[str, About] = {code: about for about, codes in CODES.items() for code in codes}
TYPES: Mapping[str, About] = {
    "api_error": About.UNKNOWN,
    "idempotency_error": About.UNKNOWN,  # a request of this id with other words was made before
    "rate_limit_error": About.VENDOR,
    "authentication_error": About.ACCOUNT,
    "card_error": About.MESSAGE,
}
"""By the type of an error whose code is not listed."""


def refused(answer: VendorResponse) -> CoreError:
    """Return the error that an answer without an object means."""
    told = answer.fields.get("error")
    error = told if isinstance(told, dict) else {}
    code, kind = str(error.get("code") or ""), str(error.get("type") or "")
    named = ABOUT.get(code, TYPES.get(kind))
    detail = f"stripe answered {answer.status}" + (f" with {code or kind}" if code or kind else "")
    if parameter := str(error.get("param") or ""):
        detail += f" about {parameter[:60]}"
    return gateway_refusal(answer, named, structured=bool(kind), detail=detail)
