"""The link of an account with the identity of a person at an identity provider."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.kernel.authorization import NotAuthenticated
from core.kernel.errors import Conflict, Forbidden


class IdentityNotLinked(NotAuthenticated):
    """No account is linked with this identity: sign in another way and link it, or ask an administrator."""

    problem = "identity-not-linked"


class IdentityAlreadyLinked(Conflict):
    """The identity is linked with an account already."""

    problem = "identity-already-linked"


class AddressNotShared(Forbidden):
    """The identity provider does not vouch for the address that the account has."""

    problem = "address-not-shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityLink:
    """Who signs in to an account: issuer and subject identify a person, an address does not."""

    issuer: str
    subject: str
    account: UUID
    linked_at: datetime
