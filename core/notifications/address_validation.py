"""The form of addresses that every vendor takes, and the check of a message before a vendor is called."""

import re
from functools import lru_cache

from core.kernel.vendor_errors import Rejected
from core.notifications.messages import Email, Sms

LOCAL_PART_PATTERN = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]+")
"""RFC 5321 without quoted local parts and non-ASCII characters, which some vendors refuse."""
DOMAIN_PATTERN = re.compile(r"[A-Za-z0-9.-]+")
LABEL_PATTERN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
TOP_LEVEL_PATTERN = re.compile(r"[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{1,59}")
E164_PATTERN = re.compile(r"\+[1-9][0-9]{6,14}")
MAX_MAILBOX_CHARACTERS, MAX_LOCAL_PART_CHARACTERS = 254, 64
"""RFC 5321, 4.5.3.1, and erratum 1690 of RFC 3696."""
UNPRINTABLE_PATTERN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
UNENCODABLE_PATTERN = re.compile(r"[\x00\ud800-\udfff]")


def email_fault(address: str) -> str:
    """Return what is wrong with an e-mail address, empty if every vendor takes it."""
    local, at, domain = address.rpartition("@")
    if not (local and at and domain):
        return "has no @ between a name and a domain"
    if len(address) > MAX_MAILBOX_CHARACTERS or len(local) > MAX_LOCAL_PART_CHARACTERS:
        return (
            f"is longer than {MAX_MAILBOX_CHARACTERS} characters, or than {MAX_LOCAL_PART_CHARACTERS} in front of the @"
        )
    if odd := first_outside(LOCAL_PART_PATTERN, local):
        return f"has {shown(odd)} in front of the @"
    if not all(local.split(".")):
        return "has a dot at an end of the part in front of the @, or two in a row"
    return domain_fault(domain)


@lru_cache(1024)
def domain_fault(domain: str) -> str:
    """Return what is wrong with a domain in ASCII, empty for a name below a top-level domain."""
    *labels, top = domain.split(".")
    if not labels:
        return "has a domain without a dot"
    if odd := first_outside(DOMAIN_PATTERN, domain):
        return f"has {shown(odd)} in the domain"
    if not all(map(LABEL_PATTERN.fullmatch, [*labels, top])):
        return "has a domain with a part that is empty, too long, or begins or ends with a hyphen"
    return "" if TOP_LEVEL_PATTERN.fullmatch(top) else f"has a domain that ends in {top!r}"


def first_outside(allowed: re.Pattern[str], text: str) -> str:
    """Return the first character that a pattern of a repeated class does not allow, empty if all are allowed."""
    begin = allowed.match(text)
    return text[begin.end() if begin else 0 :][:1]


def shown(letter: str) -> str:
    """Return a character in quotes with its code point, so that an invisible one can be found."""
    return f"{letter!r} (U+{ord(letter):04X})"


def check_email(email: Email) -> None:
    """Raise `Rejected` unless the address is one mailbox, and the subject cannot inject a header."""
    if fault := email_fault(email.to):
        raise Rejected(f"the address {fault}")
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
