"""Reads e-mail addresses and telephone numbers as people write them, with the libraries `idna` and `phonenumbers`."""

import re
from functools import cached_property, lru_cache
from types import ModuleType
from typing import Any

from core.kernel.errors import Invalid
from core.notifications.address_validation import (
    E164_PATTERN,
    MAX_MAILBOX_CHARACTERS,
    email_fault,
    first_outside,
    shown,
)
from core.notifications.mailbox import check_printable
from core.students.ports import ContactParser

DIALLED_PATTERN = re.compile(r"[+\d\s()./-]+")
MAX_NUMBER_CHARACTERS = 40
WITHOUT_TEXT_MESSAGES = ("FIXED_LINE", "TOLL_FREE", "PREMIUM_RATE", "SHARED_COST", "UAN", "VOICEMAIL")
HYPHENS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212", "-"))


class InternationalContactParser(ContactParser):
    """Converts domains to A-labels and telephone numbers to E.164."""

    def __init__(self, country: str) -> None:
        """Read numbers without a country code as those of `country`, unless a call names another."""
        self._country = country

    def email(self, text: str) -> str:
        local, at, domain = text.rpartition("@")
        if len(text) <= MAX_MAILBOX_CHARACTERS and (not domain.isascii() or "xn--" in domain.lower()):
            check_printable(domain)  # UTS 46 drops some characters that nothing shows
            text = f"{local}{at}{a_labels(domain)}"
        if fault := email_fault(text):
            raise Invalid(fault)
        return text

    def phone(self, text: str, country: str = "") -> str:
        library, region = self._library, country or self._country
        if E164_PATTERN.fullmatch(text) and is_plain_mobile(text, region, library):
            return text
        if len(text) > MAX_NUMBER_CHARACTERS:
            raise Invalid(f"is longer than {MAX_NUMBER_CHARACTERS} characters")
        written = text.translate(HYPHENS)
        if odd := first_outside(DIALLED_PATTERN, written):
            raise Invalid(f"has {shown(odd)}, which is in no telephone number")
        try:
            number = library.parse(written, region)
        except library.NumberParseException as error:
            raise Invalid(no_number(written, region)) from error
        kind, e164 = library.number_type(number), library.format_number(number, library.PhoneNumberFormat.E164)
        if kind == library.PhoneNumberType.UNKNOWN or not E164_PATTERN.fullmatch(e164):
            raise Invalid(no_number(written, region))
        if library.PhoneNumberType.to_string(kind) in WITHOUT_TEXT_MESSAGES:
            raise Invalid("is a landline or a service number, which receives no text messages")
        return str(e164)

    def check_country(self) -> None:
        """Raise `Invalid` for a country without telephone numbers."""
        if self._country not in self._library.SUPPORTED_REGIONS:
            raise Invalid("is no country with telephone numbers, as in IN")

    @cached_property
    def _library(self) -> Any:
        import phonenumbers  # not at the start of every command: it loads megabytes

        library: ModuleType = phonenumbers
        return library


def is_plain_mobile(e164: str, region: str, library: Any) -> bool:
    """Tell whether the library takes a number for a mobile of this region, and returns it unchanged."""
    plan = numbering_plan(region, library)
    return plan is not None and len(e164) in plan[1] and plan[0].fullmatch(e164) is not None


@lru_cache(512)
def numbering_plan(region: str, library: Any) -> tuple[re.Pattern[str], frozenset[int]] | None:
    """Return the form of the mobile numbers of a region, and their lengths; None for a region that shares its code.

    One search for what the library does in dozens of steps, which would cost half of an import.
    """
    metadata = library.PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or len(library.COUNTRY_CODE_TO_REGION_CODE[metadata.country_code]) > 1:
        return None
    valid, mobile = metadata.general_desc, metadata.mobile
    if metadata.same_mobile_and_fixed_line_pattern or mobile is None or mobile.national_number_pattern is None:
        return None
    prefix = f"(?!{metadata.national_prefix_for_parsing})" if metadata.national_prefix_for_parsing else ""
    form = rf"(?=(?:{valid.national_number_pattern})\Z)(?:{mobile.national_number_pattern})"
    lengths = {*valid.possible_length} & {*(mobile.possible_length or valid.possible_length)}
    code = f"+{metadata.country_code}"
    return re.compile(re.escape(code) + prefix + form), frozenset(len(code) + each for each in lengths)


def a_labels(domain: str) -> str:
    """Return a domain in ASCII (IDNA 2008, UTS 46); raise `Invalid`."""
    import idna  # few rosters need its tables

    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise Invalid("has a domain that is no internationalized domain name") from error


def no_number(written: str, region: str) -> str:
    """Return why a text is no telephone number."""
    if written.startswith("+"):
        return "is no telephone number of any country"
    return f"is no telephone number of {region}; a number of another country begins with + and its code"
