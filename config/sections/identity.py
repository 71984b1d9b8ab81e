"""The settings of accounts, identity providers, encryption and the audit."""

from collections.abc import Mapping
from typing import Annotated

import msgspec

from config.sections.section import NON_EMPTY, HttpUrl, Secret, Section, check_encrypted, check_secret
from core.identity.signing_key import MAX_ACCESS_MINUTES
from core.kernel.encryption import read_keys

MAX_ISSUER_LENGTH = 200
ProviderName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9]{0,31}\Z")]
KNOWN_ISSUERS: Mapping[str, str] = {
    "google": "https://accounts.google.com",
    "microsoft": "https://login.microsoftonline.com/{tenantid}/v2.0",
}
"""The second is the issuer of every tenant, each of which is an issuer of its own."""


class OpenIdProvider(Section, frozen=True, kw_only=True):
    """An identity provider; its redirect URI is `<public_url>/v1/sign-in/<name>/callback`."""

    issuer: HttpUrl = ""
    """Where `/.well-known/openid-configuration` is; empty for `google` and `microsoft`, whose issuers are known."""
    client_id: Annotated[str, NON_EMPTY]
    """What the provider calls this installation."""
    client_secret: Secret
    """The secret that it shares with the provider."""
    scopes: Annotated[tuple[str, ...], NON_EMPTY] = ("openid", "email", "profile")
    """What is asked for; `openid` is among them."""

    def __post_init__(self) -> None:
        if not self.client_secret.reveal():
            raise ValueError("client_secret is empty: the provider gives it; set BURSAR__OIDC__<NAME>__CLIENT_SECRET")
        if "openid" not in self.scopes:
            raise ValueError("scopes need `openid`: without it the provider does not say who signs in")
        if len(self.issuer) > MAX_ISSUER_LENGTH:
            raise ValueError(f"issuer has more than {MAX_ISSUER_LENGTH} characters")
        if self.issuer:
            check_encrypted(self.issuer, "issuer")


class Encryption(Section, frozen=True):
    """The keys that encrypt personal data in the database."""

    keys: Secret = msgspec.field(default_factory=Secret)
    """One a line, the current one first, then those that `bursar encryption rotate` has not replaced yet."""

    def __post_init__(self) -> None:
        try:
            self.by_number()
        except ValueError as error:
            raise ValueError(f"encryption.keys: {error}") from None

    def by_number(self) -> Mapping[int, bytes]:
        """Return the keys by number, the current one first."""
        return read_keys(self.keys.reveal())


class Identity(Section, frozen=True):
    """Accounts, their credentials and their sessions."""

    secret: Secret = msgspec.field(default_factory=Secret)
    """Encrypts signing keys and marks refresh tokens: at least 32 characters, the same for every process on one
    database. With SQLite an empty one is made at the first start, in a file beside the database."""
    issuer: Annotated[str, NON_EMPTY] = "bursar"
    """The claim `iss` of access tokens: the URL of this installation, where other programs verify them."""
    audience: Annotated[str, NON_EMPTY] = "bursar"
    """The claim `aud` of access tokens."""
    access_minutes: Annotated[int, msgspec.Meta(ge=1, le=MAX_ACCESS_MINUTES)] = 15
    """Access tokens expire after this time."""
    refresh_days: Annotated[int, msgspec.Meta(ge=1, le=30)] = 7
    """A session expires when it is not refreshed for this time."""

    max_api_key_days: Annotated[int, msgspec.Meta(ge=1, le=3_650)] = 365
    """The longest validity of a new API key."""
    key_file: str = ""
    """Where `provision` writes the API key of the first administrator; empty: beside the SQLite file, as bursar.key."""

    def __post_init__(self) -> None:
        check_secret("identity.secret", self.secret)


class Audit(Section, frozen=True):
    """The published heads of the audit chain."""

    path: Annotated[str, NON_EMPTY] = "bursar-audit-heads.jsonl"
    """The file of `adapters.audit_anchors = "file"`, on a disk that the database's administrator cannot write."""
    secret: Secret = msgspec.field(default_factory=Secret)
    """Signs the heads, and hashes what refused requests named: at least 32 characters, the same for every process,
    unknown to the database's administrator."""

    def __post_init__(self) -> None:
        check_secret("audit.secret", self.secret)
