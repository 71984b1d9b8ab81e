"""What the replies of a mail server are about.

Reply codes: RFC 5321 section 4.2, RFC 4954 section 6, RFC 7504.  Enhanced status codes: RFC 3463, and
https://www.iana.org/assignments/smtp-enhanced-status-codes
"""

import re
from collections.abc import Mapping

from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPResponseException

from adapters.vendor_answers import ERRORS, About
from core.kernel.errors import CoreError

ENHANCED_CODE = re.compile(r"(?:^\s*|\(#)([45]\.(\d{1,3})\.(\d{1,3}))\b")
"""At the beginning of the text; qmail writes it at the end, as in `(#5.7.1)`."""
ACCOUNT_REPLIES = frozenset({500, 501, 502, 503, 504, 521, 530, 534, 535, 538, 555})
"""Syntax, a host that accepts no mail, and authentication: the same for every message."""
STORAGE_EXCEEDED = 552
"""RFC 5321: the storage allocation of the mailbox; a message that is too big has the enhanced code 5.3.4."""
SYSTEM_REPLIES = frozenset({421, 454})
"""The service closes, and authentication fails for now, which SES also uses for throttling."""
ALLOWANCE_WORDS = re.compile(r"relay|authenticat|not verified|not authori[sz]ed|not permitted", re.IGNORECASE)
"""What servers without enhanced codes say about the account: Exim "relay not permitted", SES "is not verified"."""

DETAILS: Mapping[str, About] = {
    "1.7": About.ACCOUNT,  # the syntax of the sender
    "1.8": About.ACCOUNT,  # the domain of the sender
    "2.2": About.RECIPIENT,  # mailbox full
    "3.2": About.VENDOR,  # the system accepts no messages
    "3.4": About.MESSAGE,  # too big
    "3.5": About.ACCOUNT,  # misconfigured
    "4.5": About.VENDOR,  # congestion
    "5.3": About.VENDOR,  # too many recipients, of a session
}
"""By subject and detail of the enhanced code, whatever its class."""
PERMANENT_BY_SUBJECT: Mapping[str, About] = {
    "1": About.MESSAGE,  # the address
    "2": About.MESSAGE,  # the mailbox
    "3": About.ACCOUNT,
    "4": About.MESSAGE,  # no route to the domain of the address
    "5": About.ACCOUNT,  # the protocol
    "6": About.MESSAGE,  # the content
}
TRANSIENT_BY_SUBJECT: Mapping[str, About] = {
    "1": About.RECIPIENT,
    "2": About.RECIPIENT,
    "3": About.VENDOR,
    "4": About.RECIPIENT,  # the route to the domain of the address
    "5": About.VENDOR,
    "6": About.RECIPIENT,
    "7": About.RECIPIENT,  # greylisting
}


def refused(error: SMTPResponseException) -> CoreError:
    """Return the error that a reply of the class 4 or 5 means; both prove that the message was not accepted."""
    found = ENHANCED_CODE.search(error.message)
    enhanced, subject, detail = found.groups() if found else ("", "", "")
    about = judge(error, subject, detail)
    if error.code < 500 and about is About.MESSAGE:
        about = About.RECIPIENT  # the server itself says that a later attempt may succeed
    return ERRORS[about](f"smtp answered {error.code} {enhanced}".rstrip())


def judge(error: SMTPResponseException, subject: str, detail: str) -> About:
    """Return what a reply is about; one to another command than RCPT or DATA is not about the message."""
    if error.code in SYSTEM_REPLIES:
        return About.VENDOR
    if error.code in ACCOUNT_REPLIES:
        return About.ACCOUNT
    if f"{subject}.{detail}" in DETAILS:
        return DETAILS[f"{subject}.{detail}"]
    if not isinstance(error, SMTPRecipientRefused | SMTPDataError):
        return About.VENDOR if error.code < 500 else About.ACCOUNT
    to_recipient = isinstance(error, SMTPRecipientRefused)
    if error.code < 500:
        return TRANSIENT_BY_SUBJECT.get(subject, About.RECIPIENT if to_recipient else About.VENDOR)
    return PERMANENT_BY_SUBJECT.get(subject) or judge_policy(error, subject, detail, to_recipient=to_recipient)


def judge_policy(error: SMTPResponseException, subject: str, detail: str, *, to_recipient: bool) -> About:
    """Return what a permanent reply is about that names a policy, or has no enhanced code."""
    if ALLOWANCE_WORDS.search(error.message) or (subject == "7" and (to_recipient or detail != "1")):
        return About.ALLOWANCE  # 5.7.1 after DATA is the judgement of a content filter
    if error.code == STORAGE_EXCEEDED and not subject:
        return About.RECIPIENT
    return About.MESSAGE
