"""The mailbox that messages come from."""

import re
from dataclasses import dataclass
from email.header import Header
from email.policy import default
from email.utils import formataddr
from typing import Any, Self

from core.kernel.errors import Invalid
from core.kernel.text import unprintable_positions
from core.notifications.address_validation import email_fault, shown

MAX_NAME_CHARACTERS = 120
NO_MAILBOX = "is no mailbox, as in fees@example.org or Fee Office <fees@example.org>"
UNQUOTED_NAME_PATTERN = re.compile(r'\s*([^"<>@\\]*[^"<>@\\\s])\s*<([^<>]*)>\s*')
QUOTED_PATTERN = re.compile(r'"(?:\\.|[^"\\])*"')


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An e-mail address with the name that readers see."""

    name: str
    address: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `fees@example.org` or `Fee Office, Pune <fees@example.org>`; raise `Invalid`.

        A name needs no quotes here, unlike in a header.  The domain may have letters outside ASCII.
        """
        check_printable(text)
        quoted = UNQUOTED_NAME_PATTERN.sub(r'"\1" <\2>', text) if UNQUOTED_NAME_PATTERN.fullmatch(text) else text
        if "(" in QUOTED_PATTERN.sub("", quoted):
            raise Invalid("has a comment; a name stands in front of the address: Fee Office <fees@example.org>")
        return cls(*one_mailbox(quoted))

    def __post_init__(self) -> None:
        check_printable(self.name)
        if fault := address_fault(self.address):
            raise Invalid(f"is no mailbox: the address {fault}")
        if len(self.name) > MAX_NAME_CHARACTERS:
            raise Invalid(f"has a name of more than {MAX_NAME_CHARACTERS} characters")

    def __str__(self) -> str:
        """Return the ASCII form of a header: a name with a comma is quoted, other scripts are encoded (RFC 2047)."""
        if not self.name.isascii():
            return f"{Header(self.name, 'utf-8').encode(linesep='')} <{self.address}>"
        return formataddr((self.name, "")).removesuffix("<>") + f"<{self.address}>" if self.name else self.address


def check_printable(text: str) -> None:
    """Raise `Invalid` for a character that is not printable."""
    if (position := next(unprintable_positions(text), None)) is not None:
        raise Invalid(f"has {shown(text[position])}, which is not printable")


def address_fault(address: str) -> str:
    """Return what is wrong with an address whose domain may have letters outside ASCII, empty if nothing is."""
    local, _, domain = address.rpartition("@")
    return email_fault(address if domain.isascii() else f"{local}@example.org")


def no_mailbox(text: str) -> Invalid:
    """Return the error for a text that is no From header; it names the fault of an address that can be found."""
    address = text.rpartition("<")[2].strip(" >")
    found = "@" in address and " " not in address
    fault = address_fault(address) if found else ""
    return Invalid(f"is no mailbox: the address {fault}" if fault else NO_MAILBOX)


def one_mailbox(text: str) -> tuple[str, str]:
    """Return the name and the address of a text that is a From header; raise `Invalid`."""
    try:
        header: Any = default.header_factory("From", text)
    except Exception as error:  # the parser of `email` raises many kinds for texts that are no mailbox
        raise no_mailbox(text) from error
    if not header.addresses or header.defects:  # first: some versions of Python find two addresses in a faulty one
        raise no_mailbox(text)
    if len(header.addresses) > 1:
        raise Invalid("names more than one mailbox")
    if header.groups[0].display_name is not None:
        raise no_mailbox(text)
    (mailbox,) = header.addresses
    return " ".join(mailbox.display_name.split()), mailbox.addr_spec
