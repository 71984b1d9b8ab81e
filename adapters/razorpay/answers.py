"""What Razorpay's errors are about (https://razorpay.com/docs/errors/)."""

from collections.abc import Mapping

from adapters.gateway_answers import gateway_refusal
from adapters.vendor_answers import About
from adapters.vendor_http import VendorResponse
from core.kernel.errors import CoreError

ABOUT: Mapping[str, About] = {"GATEWAY_ERROR": About.UNKNOWN, "SERVER_ERROR": About.UNKNOWN}
"""`BAD_REQUEST_ERROR` is the code of a wrong key as of a wrong field: there the status decides."""
NO_BALANCE = "does not have enough balance"
"""The only sign of a refund that succeeds after the account is filled."""


def refused(answer: VendorResponse) -> CoreError:
    """Return the error that an answer without an entity means."""
    told = answer.fields.get("error")
    error = told if isinstance(told, dict) else {}
    code, said = str(error.get("code") or ""), str(error.get("description") or "")
    named = About.RECIPIENT if NO_BALANCE in said else ABOUT.get(code)
    detail = f"razorpay answered {answer.status}" + (f" with {code}: {said[:200]}" if code else "")
    return gateway_refusal(answer, named, structured=bool(code), detail=detail)
