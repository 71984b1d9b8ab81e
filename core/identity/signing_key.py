"""A key that signs access tokens, and until when each key of a series signs and verifies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from core.kernel.errors import Unavailable

MAX_ACCESS_MINUTES = 30
LEEWAY_SECONDS = 5
"""The difference of clocks that a verification tolerates."""
ANNOUNCEMENT = timedelta(minutes=1)
"""Before a new key signs, each process has read it, and so have those that read `/.well-known/jwks.json`."""
VERIFIES_AFTER_SIGNING = timedelta(minutes=MAX_ACCESS_MINUTES, seconds=2 * LEEWAY_SECONDS)
"""A key verifies until the last token that it can have signed is out."""


class NoSigningKey(Unavailable):
    """No key signs access tokens."""

    problem = "no-signing-key"


class NoInstallationSecret(Unavailable):
    """The secret that encrypts keys and marks refresh tokens is not set."""

    problem = "no-installation-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """An ES256 key pair."""

    kid: str
    public: str
    """The public half as a JWK, in JSON."""
    private: bytes = field(repr=False)
    """The private half, encrypted."""
    signs_from: datetime


def signing(keys: Sequence[SigningKey], at: datetime) -> SigningKey:
    """Return the key that signs at a moment, the newest that is announced; raise `NoSigningKey`."""
    announced = [key for key in keys if key.signs_from <= at]
    if not announced:
        raise NoSigningKey("there is no signing key; `bursar keys create` makes one")
    return max(announced, key=lambda key: (key.signs_from, key.kid))


def verified_until(keys: Sequence[SigningKey]) -> Mapping[str, datetime]:
    """Return the moment, by key id, from which the tokens of a key are not valid; that of the last key never comes."""
    ordered = sorted(keys, key=lambda key: (key.signs_from, key.kid))
    replaced = {key.kid: successor.signs_from + VERIFIES_AFTER_SIGNING for key, successor in pairwise(ordered)}
    return replaced | {key.kid: datetime.max.replace(tzinfo=UTC) for key in ordered[-1:]}
