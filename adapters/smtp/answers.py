"""What the replies of a mail server are about.

Reply codes: RFC 5321 section 4.2, RFC 4954 section 6, RFC 7504.  Enhanced status codes: RFC 3463, and
https://www.iana.org/assignments/smtp-enhanced-status-codes

A reply to RCPT or DATA may come from the domain of one recipient: it never holds back the messages of others.
"""

import re
from collections.abc import Mapping

from aiosmtplib import SMTPDataError, SMTPRecipientRefused, SMTPResponseException

from adapters.vendor_answers import ERRORS, About
from core.kernel.errors import CoreError

ENHANCED_CODE = re.compile(r"(?:^\s*|\(#)([45]\.(\d{1,3})\.(\d{1,3}))\b")
"""At the beginning of the text; qmail writes it at the end, as in `(#5.7.1)`."""
ALLOWANCE_WORDS = re.compile(
    r"relay|authenticat|not verified|not authori[sz]ed|not permitted|prohibit"
    r"|sender (?:verify|address|domain|rejected)|client host|block ?list|blacklist",
    re.IGNORECASE,
)
"""What servers without enhanced codes say about the account: Exim "relay not permitted" and "Sender verify failed", SES
"is not verified", Postfix "Client host [192.0.2.1] blocked using a list"."""
CLOSING = 421
MAILBOX_BUSY, STORAGE_EXCEEDED = 450, 552
"""Of the mailbox; a message that is too big has the enhanced code 5.3.4."""
SESSION_REPLIES = frozenset({500, 502, 503, 504, 530, 534, 535, 538, 555})
"""The protocol and authentication."""
TOO_BIG = ("3", "4")

PERMANENT_BY_SUBJECT: Mapping[str, About] = {
    "1": About.MESSAGE,  # the address
    "2": About.MESSAGE,  # the mailbox
    "3": About.ALLOWANCE,  # a system that accepts no mail, or is misconfigured
    "4": About.MESSAGE,  # no route to the domain of the address
    "5": About.ALLOWANCE,  # the protocol
    "6": About.MESSAGE,  # the content
    "7": About.ALLOWANCE,  # a policy: relaying, DKIM, SPF, a block list
}
BY_DETAIL: Mapping[tuple[str, str], About] = {
    ("1", "7"): About.ALLOWANCE,  # the syntax of the sender
    ("1", "8"): About.ALLOWANCE,  # the domain of the sender
    ("2", "2"): About.RECIPIENT,  # mailbox full
    TOO_BIG: About.MESSAGE,
}
TRANSIENT_AFTER_DATA: Mapping[str, About] = {
    "1": About.RECIPIENT,
    "2": About.RECIPIENT,
    "7": About.RECIPIENT,  # greylisting
}


def refused(error: SMTPResponseException) -> CoreError:
    """Return the error that a reply of the class 4 or 5 means; both prove that the message was not accepted."""
    found = ENHANCED_CODE.search(error.message)
    enhanced, subject, detail = found.groups() if found else ("", "", "")
    about = judge(error, "" if subject == "0" else subject, detail)
    return ERRORS[about](f"smtp answered {error.code} {enhanced}".rstrip())


def judge(error: SMTPResponseException, subject: str, detail: str) -> About:
    """Return what a reply is about; the subject and detail of its enhanced code are empty without one."""
    if error.code == CLOSING:
        return About.VENDOR
    if isinstance(error, SMTPRecipientRefused | SMTPDataError):
        of_account = subject in ("", "7") and ALLOWANCE_WORDS.search(error.message)
        if of_account and (subject, detail) not in BY_DETAIL:
            return About.ALLOWANCE
        judge_class = judge_transient if error.code < 500 else judge_permanent
        return judge_class(error, subject, detail)
    if error.code < 500:
        return About.VENDOR
    return About.MESSAGE if (subject, detail) == TOO_BIG else About.ACCOUNT


def judge_transient(error: SMTPResponseException, subject: str, detail: str) -> About:
    """Return what a passing refusal of a recipient, or of a message after DATA, is about."""
    if BY_DETAIL.get((subject, detail)) is About.ALLOWANCE:
        return About.ALLOWANCE
    if isinstance(error, SMTPRecipientRefused) or error.code == MAILBOX_BUSY:
        return About.RECIPIENT
    return TRANSIENT_AFTER_DATA.get(subject, About.VENDOR)


def judge_permanent(error: SMTPResponseException, subject: str, detail: str) -> About:
    """Return what a permanent refusal of a recipient, or of a message after DATA, is about."""
    if (subject, detail) in BY_DETAIL:
        return BY_DETAIL[subject, detail]
    if error.code in SESSION_REPLIES:
        return About.ALLOWANCE
    if (subject, detail) == ("7", "1") and isinstance(error, SMTPDataError):
        return About.MESSAGE  # the judgement of a content filter
    if error.code == STORAGE_EXCEEDED and not subject:
        return About.RECIPIENT
    return PERMANENT_BY_SUBJECT.get(subject, About.MESSAGE)
