"""The verification of ID tokens.

https://openid.net/specs/openid-connect-core-1_0.html, sections 3.1.3.7 and 3.1.3.8.
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import new as new_hash
from hmac import compare_digest
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from adapters.oidc.issuer import Issuer
from core.identity.identity_provider import Identity, IdentityRefused

LEEWAY_SECONDS = 60
"""How far the clock of a provider may differ."""
MAX_TOKEN_LENGTH, MAX_SUBJECT_LENGTH, MAX_EMAIL_LENGTH, MAX_NAME_LENGTH = 16_384, 255, 254, 120
MIN_RSA_BITS = 2_048
ALGORITHMS: Mapping[tuple[str, str | None], frozenset[str]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
}
"""What a key of each type and curve can verify; all of it asymmetric, because a public key is no secret."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the ID token of one sign-in must say."""

    issuer: Issuer
    client_id: str
    nonce: str
    access_token: str
    now: float


def key_id(token: str) -> str | None:
    """Return the key id in the header of a token; None without one; raise `IdentityRefused` for what is no token."""
    if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
        raise IdentityRefused("the ID token of the provider has no usable form")
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise IdentityRefused("the ID token of the provider has no usable form") from error
    if kid is not None and not isinstance(kid, str):
        raise IdentityRefused("the ID token of the provider names no usable key")
    return kid


def verify(token: str, keys: Iterable[Mapping[str, Any]], expected: Expected) -> Identity:
    """Return the identity in a token that one of the keys signed; raise `IdentityRefused`."""
    for key in keys:
        claims, algorithm = signed_claims(token, key)
        if claims is not None:
            if not expected.issuer.is_signed_by(key, claims):
                raise IdentityRefused("the key of the ID token is not one of its issuer")
            check(claims, algorithm, expected)
            return identity(claims)
    raise IdentityRefused("no key of the provider signed the ID token")


def signed_claims(token: str, key: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, str]:
    """Return the claims of a token and the algorithm of its signature; None if this key did not sign it."""
    curve = key.get("crv") if key.get("kty") == "EC" else None
    algorithms = ALGORITHMS.get((str(key.get("kty")), curve), frozenset()) & {key.get("alg"), *no_choice(key)}
    if key.get("use", "sig") != "sig" or not algorithms:
        return None, ""
    try:
        public = import_key({name: key[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in key})
        if key["kty"] == "RSA" and public.public_key.key_size < MIN_RSA_BITS:  # type: ignore[union-attr]
            return None, ""
        verified = jws.deserialize_compact(token, public, algorithms=sorted(algorithms))
        claims = json.loads(verified.payload)
    except (JoseError, ValueError, TypeError, KeyError, RecursionError):
        return None, ""
    return (claims, str(verified.headers()["alg"])) if isinstance(claims, dict) else (None, "")


def no_choice(key: Mapping[str, Any]) -> frozenset[str]:
    """Return the algorithms of a key that names none: all that its type allows."""
    return frozenset() if "alg" in key else frozenset[str]().union(*ALGORITHMS.values())


def check(claims: Mapping[str, Any], algorithm: str, expected: Expected) -> None:
    """Raise `IdentityRefused` unless the claims are those of this sign-in."""
    audience = claims.get("aud")
    issuer = expected.issuer.of(claims)
    faults = {
        "is of another issuer": issuer is None or claims.get("iss") != issuer,
        "is for another client": audience not in (expected.client_id, [expected.client_id]),
        "is for another authorized party": claims.get("azp", expected.client_id) != expected.client_id,
        "is for another sign-in": not same(claims.get("nonce"), expected.nonce),
        "is for another access token": "at_hash" in claims
        and not same(claims["at_hash"], token_hash(expected.access_token, algorithm)),
        "is not valid at this time": not is_current(claims, expected.now),
        "names no subject": not is_subject(claims.get("sub")),
    }
    if fault := next((name for name, found in faults.items() if found), None):
        raise IdentityRefused(f"the ID token of the provider {fault}")


def is_current(claims: Mapping[str, Any], now: float) -> bool:
    """Tell whether a token is issued, valid and not expired; both ends have the leeway."""
    moments = [claims.get("iat"), claims.get("exp"), claims.get("nbf", claims.get("iat"))]
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in moments):
        return False
    issued, expires, valid_from = (each for each in moments if each is not None)
    latest = now + LEEWAY_SECONDS
    return bool(issued <= latest and valid_from <= latest and now - LEEWAY_SECONDS < expires)


def is_subject(subject: Any) -> bool:
    """Tell whether a subject has the form that the specification gives it: up to 255 ASCII characters."""
    is_text = isinstance(subject, str) and subject.isascii() and subject.isprintable()
    return is_text and 0 < len(subject) <= MAX_SUBJECT_LENGTH


def same(given: Any, wanted: str) -> bool:
    """Compare texts in constant time; anything else differs."""
    return isinstance(given, str) and compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def token_hash(access_token: str, algorithm: str) -> str:
    """Return the left half of the access token's hash, by the hash function of the signature."""
    digest = new_hash(f"sha{algorithm[-3:]}", access_token.encode("utf-8", "replace")).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def identity(claims: Mapping[str, Any]) -> Identity:
    """Return the identity of verified claims; an address counts as verified only if the provider says exactly that.

    Microsoft does not verify `email`, and says so by leaving out `email_verified`.
    """
    email, name = claims.get("email"), claims.get("name")
    usable = isinstance(email, str) and len(email) <= MAX_EMAIL_LENGTH and email.isprintable()
    return Identity(
        issuer=str(claims["iss"]),
        subject=str(claims["sub"]),
        email=str(email) if usable else "",
        email_verified=usable and claims.get("email_verified") is True,
        name="".join(filter(str.isprintable, name))[:MAX_NAME_LENGTH] if isinstance(name, str) else "",
    )
