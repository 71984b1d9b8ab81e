import hmac
import json
import socket
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidTag
from joserfc import jwt
from joserfc.jwk import ECKey

from adapters.tokens.access_tokens import JwtAccessTokens, SealedKeyPairs
from adapters.tokens.derived_keys import Seal
from adapters.tokens.refresh_tokens import MarkedRefreshTokens
from core.identity.roles import Role
from core.identity.session import SessionId
from core.identity.signing_key import ANNOUNCEMENT, VERIFIES_AFTER_SIGNING, NoSigningKey
from core.identity.tokens import AccessClaims
from core.kernel.authorization import NotAuthenticated
from core.kernel.clock import Clock
from core.kernel.errors import Invalid

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


class SettableClock(Clock):
    def __init__(self) -> None:
        self.at = NOW

    def now(self):
        return self.at


class Issuer:
    """Access tokens with one key."""

    def __init__(self, *, issuer="https://fees.example.org", audience="bursar", keys=None) -> None:
        self.clock, seal = SettableClock(), Seal("s" * 32, "signing keys")
        self.key_pairs = SealedKeyPairs(seal)
        self.keys = keys or [self.key_pairs.create(NOW - timedelta(days=1))]
        self.tokens = JwtAccessTokens(seal, issuer, audience, self.clock)
        self.tokens.use(self.keys)

    def claims(self):
        return AccessClaims(
            account=uuid4(), session=SessionId(uuid4()), roles=(Role.CLERK,), centre="4012", methods=("pwd", "otp"),
            id=uuid4(), issued_at=self.clock.at, expires_at=self.clock.at + timedelta(minutes=15),
        )  # fmt: skip


@pytest.fixture
def issuer():
    return Issuer()


def part(value):
    return urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).decode().rstrip("=")


def opened(token):
    head, body, _ = token.split(".")
    return [json.loads(urlsafe_b64decode_padded(each)) for each in (head, body)]


def urlsafe_b64decode_padded(text):
    from base64 import urlsafe_b64decode

    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def private_jwk(issuer):
    key = issuer.keys[0]
    return ECKey.import_key(json.loads(Seal("s" * 32, "signing keys").decrypt(key.private, key.kid.encode())))


def forgeries(issuer):
    """Return tokens that no holder of the private key made, by what they try."""
    token = issuer.tokens.issue(issuer.claims())
    head, body = opened(token)
    signature = token.rpartition(".")[2]
    public = issuer.keys[0].public
    own = ECKey.generate_key("P-256", {"kid": head["kid"]})
    own_public = own.as_dict(private=False)

    def signed(header, key=own, claims=body, algorithm="ES256"):
        return jwt.encode(header, claims, key, algorithms=[algorithm])

    def hs256(secret):
        header = {**head, "alg": "HS256"}
        text = f"{part(header)}.{part(body)}"
        return f"{text}.{part(hmac.digest(secret, text.encode(), 'sha256'))}"

    pem = ECKey.import_key(json.loads(public)).as_pem(private=False)
    yield "none", f"{part({**head, 'alg': 'none'})}.{part(body)}."
    yield "None with the signature", f"{part({**head, 'alg': 'None'})}.{part(body)}.{signature}"
    yield "no algorithm", f"{part({'kid': head['kid'], 'typ': head['typ']})}.{part(body)}.{signature}"
    yield "HS256 with the public key as PEM", hs256(pem)
    yield "HS256 with the public key as JWK", hs256(public.encode())
    yield "HS256 with an empty key", hs256(b"")
    yield "own key in jwk", signed({**head, "jwk": own_public})
    yield "own key at jku", f"{part({**head, 'jku': 'http://127.0.0.1:9/jwks'})}.{part(body)}.{signature}"
    yield "own key at x5u", f"{part({**head, 'x5u': 'http://127.0.0.1:9/x'})}.{part(body)}.{signature}"
    yield "own certificate", f"{part({**head, 'x5c': ['MIIB']})}.{part(body)}.{signature}"
    yield "crit", f"{part({**head, 'crit': ['b64'], 'b64': False})}.{part(body)}.{signature}"
    yield "own key under the known kid", signed(head)
    yield "unknown kid", signed({**head, "kid": "another"})
    yield "kid that is a path", signed({**head, "kid": "../../../dev/null"})
    yield "kid that is SQL", signed({**head, "kid": "x' UNION SELECT 'k"})
    yield "kid that is a number", f"{part({**head, 'kid': 7})}.{part(body)}.{signature}"
    yield "no kid", f"{part({'alg': 'ES256', 'typ': 'at+jwt'})}.{part(body)}.{signature}"
    yield "another kind of token", signed({**head, "typ": "JWT"}, private_jwk(issuer))
    yield "changed role", f"{part(head)}.{part({**body, 'roles': ['administrator']})}.{signature}"
    yield "zero signature", f"{part(head)}.{part(body)}.{part(bytes(64))}"
    yield "no signature", f"{part(head)}.{part(body)}."
    yield "two parts", f"{part(head)}.{part(body)}"
    yield "five parts", f"{token}.e30.e30"
    yield "signature with padding", f"{token}=="
    yield "a megabyte", token + "A" * 1_000_000
    yield "deep header", f"{part(b'[' * 3_000)}.{part(body)}.{signature}"
    yield "not ASCII", "é" + token
    yield "empty", ""
    yield "a refresh token", MarkedRefreshTokens("s" * 32).create(SessionId(uuid4()), 1).text


def wrong_claims():
    """Return changes of claims under a valid signature, by what they are."""
    hour = int(NOW.timestamp()) + 3_600
    yield "expires after more than 30 minutes", {"exp": hour + 3_600}
    yield "never expires", {"exp": None}
    yield "expires at a text", {"exp": "9999999999"}
    yield "expires at infinity", {"exp": 1e300}
    yield "another issuer", {"iss": "https://elsewhere.example"}
    yield "another audience", {"aud": "another"}
    yield "several audiences", {"aud": ["bursar", "another"]}
    yield "unknown role", {"roles": ["root"]}
    yield "subject that is no id", {"sub": "admin"}
    yield "no session", {"sid": None}
    yield "valid from later", {"nbf": hour}


def test_an_access_token_says_who_acts(issuer):
    claims = issuer.claims()

    assert issuer.tokens.verify(issuer.tokens.issue(claims)) == claims


def test_the_claims_of_a_token_are_those_of_the_standard(issuer):
    head, body = opened(issuer.tokens.issue(issuer.claims()))

    assert head == {"alg": "ES256", "kid": issuer.keys[0].kid, "typ": "at+jwt"}
    assert body.keys() == {"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "roles", "centre", "amr"}


def test_a_forged_token_is_refused_without_a_connection(issuer, monkeypatch):
    monkeypatch.setattr(socket, "socket", pytest.fail)
    accepted = []
    for name, token in forgeries(issuer):
        try:
            issuer.tokens.verify(token)
        except NotAuthenticated as error:
            assert str(error) == "the access token is not valid", name
        else:
            accepted.append(name)

    assert accepted == []


@pytest.mark.parametrize(("change"), [each for _, each in wrong_claims()], ids=[name for name, _ in wrong_claims()])
def test_claims_of_another_form_are_refused_under_a_valid_signature(issuer, change):
    head, body = opened(issuer.tokens.issue(issuer.claims()))
    body = {name: value for name, value in {**body, **change}.items() if value is not None}
    token = jwt.encode(head, body, private_jwk(issuer), algorithms=["ES256"])

    with pytest.raises(NotAuthenticated):
        issuer.tokens.verify(token)


@pytest.mark.parametrize("other", [{"issuer": "https://elsewhere.example"}, {"audience": "another"}, {"keys": []}])
def test_a_token_of_another_installation_is_refused(issuer, other):
    foreign = Issuer(**{"keys": issuer.keys, **other} if "keys" not in other else {})

    with pytest.raises(NotAuthenticated):
        issuer.tokens.verify(foreign.tokens.issue(foreign.claims()))


@pytest.mark.parametrize(("seconds", "valid"), [(-6, False), (-5, True), (15 * 60 + 4, True), (15 * 60 + 5, False)])
def test_a_token_is_valid_for_its_time_and_five_seconds_of_another_clock(issuer, seconds, valid):
    token = issuer.tokens.issue(issuer.claims())
    if seconds > 0:
        issuer.tokens.verify(token)  # cached
    issuer.clock.at = NOW + timedelta(seconds=seconds)

    if valid:
        issuer.tokens.verify(token)
    else:
        with pytest.raises(NotAuthenticated, match="expired"):
            issuer.tokens.verify(token)


def test_a_new_key_signs_after_its_announcement_and_the_old_one_verifies_until_its_tokens_are_out(issuer):
    old = issuer.tokens.issue(issuer.claims())
    new_key = issuer.key_pairs.create(NOW + ANNOUNCEMENT)
    issuer.tokens.use([*issuer.keys, new_key])

    assert opened(issuer.tokens.issue(issuer.claims()))[0]["kid"] == issuer.keys[0].kid
    issuer.clock.at = NOW + ANNOUNCEMENT
    assert opened(issuer.tokens.issue(issuer.claims()))[0]["kid"] == new_key.kid
    issuer.tokens.verify(old)
    last = replace(issuer.claims(), issued_at=NOW + VERIFIES_AFTER_SIGNING, expires_at=NOW + timedelta(minutes=45))
    issuer.clock.at = NOW + ANNOUNCEMENT + VERIFIES_AFTER_SIGNING
    head = {"alg": "ES256", "kid": issuer.keys[0].kid, "typ": "at+jwt"}
    body = opened(issuer.tokens.issue(last))[1]
    with pytest.raises(NotAuthenticated):
        issuer.tokens.verify(jwt.encode(head, body, private_jwk(issuer), algorithms=["ES256"]))


def test_a_removed_key_verifies_nothing_at_once(issuer):
    token = issuer.tokens.issue(issuer.claims())
    issuer.tokens.verify(token)
    issuer.tokens.use([issuer.key_pairs.create(NOW)])

    with pytest.raises(NotAuthenticated):
        issuer.tokens.verify(token)


def test_without_a_key_no_token_is_issued(issuer):
    issuer.tokens.use([])

    with pytest.raises(NoSigningKey, match="bursar keys create"):
        issuer.tokens.issue(issuer.claims())


def test_a_private_key_is_unreadable_under_another_secret(issuer):
    elsewhere = JwtAccessTokens(Seal("t" * 32, "signing keys"), "i", "a", issuer.clock)
    elsewhere.use(issuer.keys)

    with pytest.raises(Invalid, match=r"identity\.secret"):
        elsewhere.issue(issuer.claims())
    assert b'"d"' not in issuer.keys[0].private
    assert "private" not in repr(issuer.keys[0])


class TestRefreshTokens:
    tokens = MarkedRefreshTokens("s" * 32)
    token = tokens.create(SessionId(uuid4()), 3)

    def test_a_token_is_read_with_its_digest(self):
        assert self.tokens.read(self.token.text) == self.token
        assert self.token.digest == sha256(self.token.text.encode()).digest()
        assert self.token.text not in repr(self.token)

    @pytest.mark.parametrize("at", range(0, 101, 7))
    def test_a_changed_token_is_refused(self, at):
        letter = "A" if self.token.text[at] != "A" else "B"

        with pytest.raises(NotAuthenticated):
            self.tokens.read(self.token.text[:at] + letter + self.token.text[at + 1 :])

    def test_another_text_of_the_same_bytes_is_refused(self):
        last = self.token.text[-1]
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        twins = alphabet[alphabet.index(last) // 4 * 4 :][:4].replace(last, "")

        for twin in twins:
            with pytest.raises(NotAuthenticated):
                self.tokens.read(self.token.text[:-1] + twin)

    @pytest.mark.parametrize("text", ["", "x", "bursar_rt_", "é" * 101, "bursar_rt_" + "A" * 91, "A" * 1_000_000])
    def test_an_invented_token_is_refused(self, text):
        with pytest.raises(NotAuthenticated):
            self.tokens.read(text)

    def test_only_the_text_of_its_predecessor_reveals_a_successor(self):
        successor = self.tokens.create(self.token.session, 4)
        sealed = self.tokens.seal(successor, self.token)

        assert self.tokens.unseal(sealed, self.token) == successor
        assert successor.text.encode() not in sealed
        with pytest.raises(InvalidTag):
            self.tokens.unseal(sealed, successor)
