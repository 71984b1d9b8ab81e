"""Access tokens as signed JWTs (RFC 9068), and the keys that sign them."""

import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import msgspec
from cryptography.exceptions import InvalidTag
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.tokens.derived_keys import Seal
from core.identity.roles import Role
from core.identity.session import SessionId
from core.identity.session_ports import AccessTokens, KeyPairs
from core.identity.signing_key import (
    LEEWAY_SECONDS,
    MAX_ACCESS_MINUTES,
    SigningKey,
    signing,
    verified_until,
)
from core.identity.tokens import AccessClaims
from core.kernel.authorization import NotAuthenticated
from core.kernel.clock import Clock
from core.kernel.errors import Invalid

ALGORITHM, KIND = "ES256", "at+jwt"
ALGORITHMS = jws.JWSRegistry(algorithms=[ALGORITHM])
LEEWAY = timedelta(seconds=LEEWAY_SECONDS)
MAX_TOKEN_LENGTH = 4_096
MAX_VERIFIED_TOKENS = 10_000
"""About 10 MB; the oldest is verified again."""


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header of a token; one that names a key or an extension (`jwk`, `jku`, `x5u`, `crit`) is refused."""

    alg: str
    kid: str
    typ: str


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The claims of a token."""

    iss: str
    aud: str
    sub: UUID
    iat: int
    nbf: int
    exp: int
    jti: UUID
    sid: UUID
    roles: tuple[Role, ...]
    centre: str
    amr: tuple[str, ...]
    student: UUID | None = None
    auth_time: int = 0
    """0 in tokens of earlier releases."""


class JwtAccessTokens(AccessTokens):
    """Signs with ES256; a key and its algorithm come from the own keys by `kid`, never from the token."""

    def __init__(self, seal: Seal, issuer: str, audience: str, clock: Clock) -> None:
        self._seal, self._issuer, self._audience, self._clock = seal, issuer, audience, clock
        self._keys: Sequence[SigningKey] = ()
        self._public: Mapping[str, ECKey] = {}
        self._verified_until: Mapping[str, datetime] = {}
        self._private: tuple[str, ECKey] | None = None
        self._verified: dict[bytes, AccessClaims] = {}

    def use(self, keys: Sequence[SigningKey]) -> None:
        if [key.kid for key in keys] == [key.kid for key in self._keys]:
            return
        self._keys, self._private, self._verified_until = keys, None, verified_until(keys)
        self._public = {key.kid: ECKey.import_key(msgspec.json.decode(key.public)) for key in keys}
        self._verified.clear()

    def issue(self, claims: AccessClaims) -> str:
        kid, key = self._signing_key()
        payload = Payload(
            iss=self._issuer,
            aud=self._audience,
            sub=claims.account,
            iat=int(claims.issued_at.timestamp()),
            nbf=int(claims.issued_at.timestamp()),
            exp=int(claims.expires_at.timestamp()),
            jti=claims.id,
            sid=claims.session,
            roles=claims.roles,
            centre=claims.centre,
            amr=claims.methods,
            student=claims.student,
            auth_time=int(claims.proved_at.timestamp()) if claims.proved_at else 0,
        )
        header = {"alg": ALGORITHM, "kid": kid, "typ": KIND}
        return jws.serialize_compact(header, msgspec.json.encode(payload), key, registry=ALGORITHMS)

    def verify(self, token: str) -> AccessClaims:
        if len(token) > MAX_TOKEN_LENGTH or not token.isascii():
            raise refusal()
        digest = sha256(token.encode()).digest()
        claims = self._verified.get(digest) or self._decode(token)
        if not claims.issued_at - LEEWAY <= self._clock.now() < claims.expires_at + LEEWAY:
            self._verified.pop(digest, None)
            raise NotAuthenticated("the access token has expired; refresh the session, or sign in")
        self._remember(digest, claims)
        return claims

    def _decode(self, token: str) -> AccessClaims:
        try:
            header = msgspec.json.decode(decoded_segment(token.partition(".")[0]), type=Header)
            signed = jws.deserialize_compact(token, self._verifying_key(header), registry=ALGORITHMS)
            payload = msgspec.json.decode(signed.payload or b"", type=Payload)
        except (JoseError, ValueError, TypeError, msgspec.MsgspecError, RecursionError) as error:
            raise refusal() from error
        if (payload.iss, payload.aud) != (self._issuer, self._audience) or payload.nbf != payload.iat:
            raise refusal()
        if not 0 < payload.exp - payload.iat <= MAX_ACCESS_MINUTES * 60:
            raise refusal()
        return as_claims(payload)

    def _verifying_key(self, header: Header) -> ECKey:
        until = self._verified_until.get(header.kid)
        if header.alg != ALGORITHM or header.typ != KIND or until is None or self._clock.now() >= until:
            raise refusal()
        return self._public[header.kid]

    def _signing_key(self) -> tuple[str, ECKey]:
        key = signing(self._keys, self._clock.now())
        if self._private is None or self._private[0] != key.kid:
            self._private = key.kid, ECKey.import_key(msgspec.json.decode(opened(self._seal, key)))
        return self._private

    def _remember(self, digest: bytes, claims: AccessClaims) -> None:
        if digest not in self._verified and len(self._verified) >= MAX_VERIFIED_TOKENS:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = claims


class SealedKeyPairs(KeyPairs):
    """Creates P-256 keys; the private half is encrypted under the secret of the installation."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def create(self, signs_from: datetime) -> SigningKey:
        kid = uuid4().hex
        key = ECKey.generate_key("P-256", {"kid": kid, "alg": ALGORITHM, "use": "sig"})
        private = msgspec.json.encode(key.as_dict(private=True))
        return SigningKey(
            kid=kid,
            public=msgspec.json.encode(key.as_dict(private=False)).decode(),
            private=self._seal.encrypt(private, kid.encode()),
            signs_from=signs_from,
        )


def opened(seal: Seal, key: SigningKey) -> bytes:
    """Return the private half of a key; raise `Invalid` if another secret encrypted it."""
    try:
        return seal.decrypt(key.private, key.kid.encode())
    except InvalidTag:
        raise Invalid(
            f"the signing key {key.kid} was made with another identity.secret; set that, or run `bursar keys rotate`"
        ) from None


def decoded_segment(segment: str) -> bytes:
    """Return the bytes of a part of a token; raise `ValueError` unless it is base64url without padding."""
    if not segment or not segment.replace("-", "").replace("_", "").isalnum():
        raise binascii.Error("not base64url")
    return binascii.a2b_base64(segment.replace("-", "+").replace("_", "/") + "=" * (-len(segment) % 4))


def as_claims(payload: Payload) -> AccessClaims:
    """Return the claims of a payload."""
    return AccessClaims(
        account=payload.sub,
        session=SessionId(payload.sid),
        roles=payload.roles,
        centre=payload.centre,
        student=payload.student,
        methods=payload.amr,
        id=payload.jti,
        issued_at=datetime.fromtimestamp(payload.iat, UTC),
        expires_at=datetime.fromtimestamp(payload.exp, UTC),
        proved_at=datetime.fromtimestamp(payload.auth_time, UTC) if payload.auth_time else None,
    )


def refusal() -> NotAuthenticated:
    """Return one error for all faults: a forger learns nothing from it."""
    return NotAuthenticated("the access token is not valid")
