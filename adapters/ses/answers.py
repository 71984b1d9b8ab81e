"""What the errors of Amazon SES are about.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html#API_SendEmail_Errors
https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
https://docs.aws.amazon.com/ses/latest/dg/troubleshoot-error-messages.html
"""

import re
from collections.abc import Mapping

from adapters.vendor_answers import About, refusal
from adapters.vendor_http import VendorResponse
from core.kernel.errors import CoreError

ABOUT: Mapping[str, About] = {
    "BadRequestException": About.MESSAGE,
    "MessageRejected": About.MESSAGE,
    "ValidationError": About.MESSAGE,
    "ValidationException": About.MESSAGE,
    "InvalidParameterValue": About.MESSAGE,
    "RequestEntityTooLargeException": About.MESSAGE,
    "AccountSuspendedException": About.ACCOUNT,
    "AccountSendingPausedException": About.ACCOUNT,
    "SendingPausedException": About.ACCOUNT,
    "MailFromDomainNotVerifiedException": About.ACCOUNT,
    "FromEmailAddressNotVerifiedException": About.ACCOUNT,
    "NotFoundException": About.ACCOUNT,
    "LimitExceededException": About.ACCOUNT,
    "AccessDenied": About.ACCOUNT,
    "AccessDeniedException": About.ACCOUNT,
    "ExpiredToken": About.ACCOUNT,
    "ExpiredTokenException": About.ACCOUNT,
    "IncompleteSignature": About.ACCOUNT,
    "IncompleteSignatureException": About.ACCOUNT,
    "InvalidAction": About.ACCOUNT,
    "InvalidClientTokenId": About.ACCOUNT,
    "InvalidSignatureException": About.ACCOUNT,
    "MalformedHttpRequestException": About.ACCOUNT,
    "MissingAuthenticationToken": About.ACCOUNT,
    "MissingAuthenticationTokenException": About.ACCOUNT,
    "NotAuthorized": About.ACCOUNT,
    "OptInRequired": About.ACCOUNT,
    "RequestExpired": About.ACCOUNT,
    "SignatureDoesNotMatch": About.ACCOUNT,
    "UnknownOperationException": About.ACCOUNT,
    "UnrecognizedClientException": About.ACCOUNT,
    "ConflictException": About.VENDOR,
    "Throttling": About.VENDOR,
    "ThrottlingException": About.VENDOR,
    "TooManyRequestsException": About.VENDOR,
    "RequestAbortedException": About.UNKNOWN,
    "RequestTimeoutException": About.UNKNOWN,
}
"""By the name of the exception; an error of another name is about the message."""
NAME = re.compile(r"[A-Za-z0-9]{1,64}")
"""Another text in its place could quote the message, and would be stored and logged."""
ACCOUNT_WORDS = re.compile(
    r"not verified|not authori[sz]ed|suspended|paused|quota exceeded|configuration set", re.IGNORECASE
)
"""`MessageRejected`, `BadRequestException` and the throttling errors also tell of the account, in their messages."""


def refused(answer: VendorResponse, to: str) -> CoreError:
    """Return the error that an answer without a message id means; `to` is the address of the recipient."""
    name, text = error_name(answer), str(answer.fields.get("message") or answer.fields.get("Message") or "")
    about = ABOUT.get(name)
    if ACCOUNT_WORDS.search(text):
        # An account in the sandbox writes to verified recipients only, and names the others.
        about = About.ALLOWANCE if to.lower() in text.lower() else About.ACCOUNT
    detail = f"ses answered {answer.status} {name}".rstrip()
    return refusal(answer.status, answer.retry_after, about, structured=bool(name), detail=detail)


def error_name(answer: VendorResponse) -> str:
    """Return the name of the exception without its namespace, empty in an answer that is not of SES.

    The header is `Name:http://…`, the body has `__type` or `code` as `namespace#Name`.
    """
    fields = answer.fields
    word = answer.headers.get("x-amzn-ErrorType") or str(fields.get("__type") or fields.get("code") or "")
    name = word.split(":")[0].rpartition("#")[2].rpartition(".")[2].strip()
    return name if NAME.fullmatch(name) else ""
