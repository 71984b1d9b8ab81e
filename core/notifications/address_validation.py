"""Checks of a message before a vendor is called."""

import re

from core.notifications.errors import Rejected
from core.notifications.messages import Email, Sms

MAILBOX_PATTERN = re.compile(r"[!#-'*+\-/-9=?A-Z^-~]+(?:\.[!#-'*+\-/-9=?A-Z^-~]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
"""RFC 5321 without quoted local parts, bare hosts and non-ASCII characters, which some vendors refuse."""
E164_PATTERN = re.compile(r"\+[1-9][0-9]{6,14}")
MAX_MAILBOX_CHARACTERS = 254
UNPRINTABLE_PATTERN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
UNENCODABLE_PATTERN = re.compile(r"[\x00\ud800-\udfff]")


def check_email(email: Email) -> None:
    """Raise `Rejected` unless the address is one mailbox, and the subject cannot inject a header."""
    if len(email.to) > MAX_MAILBOX_CHARACTERS or not MAILBOX_PATTERN.fullmatch(email.to):
        raise Rejected("the address is not one mailbox")
    if UNPRINTABLE_PATTERN.search(email.subject):
        raise Rejected("the subject is not one printable line")
    if UNENCODABLE_PATTERN.search(email.text + email.html):
        raise Rejected("the text is not Unicode")


def check_sms(sms: Sms) -> None:
    """Raise `Rejected` unless the number is in E.164 format and the text is not empty."""
    if not E164_PATTERN.fullmatch(sms.to):
        raise Rejected("the telephone number is not in E.164 format")
    if not sms.text.strip() or UNENCODABLE_PATTERN.search(sms.text):
        raise Rejected("the message is empty, or not Unicode")
