"""The parts of the configuration, and the types of their values."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

from core.kernel.errors import Invalid

NON_EMPTY = msgspec.Meta(min_length=1)
PositiveInt = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Permits = Annotated[int, msgspec.Meta(ge=1, le=100_000_000)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
HttpUrl = Annotated[str, msgspec.Meta(pattern=r"^(https?://[^\s/?#@:]+(:[0-9]{1,5})?(/[^\s?#]*)?)?\Z")]


class Misconfigured(Invalid):
    """The configuration cannot be used; the text names the path of the bad value."""

    problem = "misconfigured"


class Secret:
    """A value that neither logs nor tracebacks show."""

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the adapter that presents it to a server."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)" if self._value else "Secret()"


def check_port(url: str, setting: str) -> None:
    """Raise `ValueError` unless the port of a URL exists."""
    port = url.partition("://")[2].partition("/")[0].partition(":")[2]
    if port and not 0 < int(port) < 65_536:
        raise ValueError(f"{setting} ({url}) has the port {port}, which does not exist")


def check_encrypted(url: str, setting: str) -> None:
    """Raise `ValueError` unless a URL is encrypted, or on this machine, and its port exists."""
    check_port(url, setting)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError(f"{setting} ({url}) is not https, which only an address of this machine may do without")


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; an unknown key is an error."""


def check_secret(name: str, secret: Secret) -> None:
    """Raise `ValueError` for a secret that is short, or that everyone can read in an example."""
    if 0 < len(secret.reveal()) < 32:
        raise ValueError(f"{name} needs at least 32 characters")
    if "only-for-development" in secret.reveal():
        raise ValueError(f"{name} is a published example: set 32 or more random characters of your own")


class EncryptedSection(Section, frozen=True):
    """A server whose connections can be encrypted."""

    tls: Literal["none", "unverified", "verified"] = "none"
    """`verified` checks the certificate and the host name; `unverified` encrypts without knowing the server."""
    ca_file: str = ""
    """A PEM file of authorities that are trusted in addition to those of the system."""
    certificate_file: str = ""
    """The PEM file of the client's own certificate, for servers that require one."""
    key_file: str = ""
    """The PEM file of its key; empty if `certificate_file` contains it."""

    def __post_init__(self) -> None:
        if self.tls == "none" and (named := self.ca_file or self.certificate_file or self.key_file):
            raise ValueError(f"{named} is without effect while tls is none: set tls to verified, or remove the file")
        if self.tls == "unverified" and self.ca_file:
            raise ValueError(f"{self.ca_file} is without effect while tls is unverified: set tls to verified")
        if self.key_file and not self.certificate_file:
            raise ValueError(f"key_file ({self.key_file}) needs certificate_file")
