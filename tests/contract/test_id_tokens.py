"""What the answers of an OpenID provider must say before they prove an identity."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest
from aiohttp import web
from joserfc.jwk import OctKey, RSAKey

from adapters.oidc.provider import OidcProvider
from core.identity.identity_provider import Identity, IdentityRefused, ProviderUnavailable
from tests.contract.servers.openid import CLIENT, CODE, SECRET, LocalOpenIdProvider, elliptic_key, rsa_key
from tests.examples import StoppedClock

CALLBACK = "http://127.0.0.1:8000/v1/sign-in/local/callback"
TENANT = "9188040d-6c67-4c5b-b112-36a304b66dad"


@pytest.fixture
async def server() -> AsyncIterator[LocalOpenIdProvider]:
    provider = LocalOpenIdProvider(StoppedClock())
    await provider.start()
    yield provider
    await provider.stop()


@pytest.fixture
async def client(server: LocalOpenIdProvider) -> AsyncIterator[OidcProvider]:
    adapter = adapter_of(server)
    yield adapter
    await adapter.close()


def adapter_of(server: LocalOpenIdProvider) -> OidcProvider:
    scopes = ("openid", "email", "profile")
    return OidcProvider(
        issuer=server.issuer,
        client_id=CLIENT,
        client_secret=SECRET,
        scopes=scopes,
        callback=CALLBACK,
        clock=server.clock,
    )


async def sign_in(server: LocalOpenIdProvider, client: OidcProvider, issuer: str | None = None) -> Identity:
    request = await client.begin()
    server.visit(request.url)
    return await client.complete(CODE, issuer, request.browser_secret)


async def test_a_person_is_known_by_issuer_and_subject(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    assert await sign_in(server, client) == Identity(
        issuer=server.issuer, subject="ananya", email="ananya@example.org", email_verified=True, name="Ananya Rao"
    )


async def test_the_browser_is_sent_with_pkce_and_no_secret(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    first, second = await client.begin(), await client.begin()
    query = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    assert (
        query.items()
        >= {
            "response_type": "code",
            "client_id": CLIENT,
            "redirect_uri": CALLBACK,
            "scope": "openid email profile",
            "state": first.state,
            "code_challenge_method": "S256",
        }.items()
    )
    assert first.browser_secret not in first.url
    assert SECRET not in first.url
    assert first.browser_secret not in repr(first)
    assert server.reads == ["discovery"]
    assert {first.state, first.browser_secret}.isdisjoint({second.state, second.browser_secret})


NOW = int(StoppedClock().now().timestamp())
ODD_CLAIMS: dict[str, dict[str, Any]] = {
    "another issuer": {"iss": "https://accounts.example.org"},
    "an issuer with a slash more": {"iss": "{issuer}/"},
    "no issuer": {"iss": None},
    "another client": {"aud": "canteen"},
    "two clients": {"aud": [CLIENT, "canteen"]},
    "two clients, authorized for this one": {"aud": [CLIENT, "canteen"], "azp": CLIENT},
    "no client": {"aud": None},
    "another authorized party": {"azp": "canteen"},
    "an authorized party that is no text": {"azp": [CLIENT]},
    "no nonce": {"nonce": None},
    "another nonce": {"nonce": "n-0S6_WzA2Mj"},
    "a nonce that is no text": {"nonce": ["n"]},
    "another access token": {"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"},
    "expired for 60 s": {"exp": NOW - 60},
    "no expiry": {"exp": None},
    "an expiry that is a text": {"exp": str(NOW + 300)},
    "an expiry that is true": {"exp": True},
    "issued in 61 s": {"iat": NOW + 61},
    "not issued": {"iat": None},
    "not valid yet": {"nbf": NOW + 61},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a number": {"sub": 7},
    "a subject of 256 characters": {"sub": "s" * 256},
}


@pytest.mark.parametrize("claims", ODD_CLAIMS.values(), ids=ODD_CLAIMS)
async def test_odd_claims_prove_nothing(
    server: LocalOpenIdProvider, client: OidcProvider, claims: dict[str, Any]
) -> None:
    server.claims = {name: server.issuer + "/" if value == "{issuer}/" else value for name, value in claims.items()}
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


FOREIGN_CLOCKS: dict[str, dict[str, Any]] = {
    "expired for 59 s": {"exp": NOW - 59},
    "issued in 60 s": {"iat": NOW + 60},
    "one client in a list": {"aud": [CLIENT]},
    "authorized for this client": {"azp": CLIENT},
    "no hash of the access token": {"at_hash": None},
}


@pytest.mark.parametrize("claims", FOREIGN_CLOCKS.values(), ids=FOREIGN_CLOCKS)
async def test_what_the_specification_allows_is_accepted(
    server: LocalOpenIdProvider, client: OidcProvider, claims: dict[str, Any]
) -> None:
    server.claims = claims
    assert (await sign_in(server, client)).subject == "ananya"


@pytest.mark.parametrize("verified", [False, "true", 1, None])
async def test_only_true_verifies_an_address(server: LocalOpenIdProvider, client: OidcProvider, verified: Any) -> None:
    server.claims = {"email_verified": verified}
    identity = await sign_in(server, client)
    assert (identity.email, identity.email_verified) == ("ananya@example.org", False)


async def test_an_unsigned_token_proves_nothing(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    server.header = {"alg": "none"}
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


@pytest.mark.parametrize("form", ["pem", "der"])
async def test_a_public_key_is_no_secret(server: LocalOpenIdProvider, client: OidcProvider, form: str) -> None:
    octets = server.key.as_pem(private=False) if form == "pem" else server.key.as_der(private=False)
    server.signing_key, server.header = octets, {"alg": "HS256"}
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


async def test_a_published_symmetric_key_verifies_nothing(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    secret = OctKey.generate_key(256, {"kid": "one"})
    server.published, server.signing_key, server.header = (
        [secret.as_dict(private=True)],
        secret.raw_value,
        {"alg": "HS256"},
    )
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


async def test_a_key_in_the_token_is_ignored(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    forged = rsa_key("forged")
    server.signing_key = forged
    server.header = {"jwk": forged.as_dict(private=False), "jku": f"{server.url}/elsewhere"}
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)
    assert not server.lured


async def test_a_key_verifies_only_with_its_own_algorithm(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    server.published = [{**server.key.as_dict(private=False), "alg": "PS256"}]
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


@pytest.mark.parametrize("spoilt", [{"use": "enc"}, {"kty": "oct"}, {"n": "%%%"}, {"n": 7}, {"kty": None}])
async def test_an_unusable_key_verifies_nothing(
    server: LocalOpenIdProvider, client: OidcProvider, spoilt: dict[str, Any]
) -> None:
    server.published = [server.key.as_dict(private=False) | spoilt]
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_a_short_rsa_key_verifies_nothing(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    server.key = RSAKey.generate_key(1024, {"kid": "one"})
    server.published = [server.key.as_dict(private=False)]
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


@pytest.mark.parametrize("kid", ["one", None])
async def test_a_key_on_a_curve_is_understood(
    server: LocalOpenIdProvider, client: OidcProvider, kid: str | None
) -> None:
    server.key = elliptic_key("one")
    server.published = [server.key.as_dict(private=False)]
    server.header = {"alg": "ES256", "kid": kid}
    assert (await sign_in(server, client)).subject == "ananya"


async def test_keys_are_read_again_for_an_unknown_id_at_most_once_a_minute(
    server: LocalOpenIdProvider, client: OidcProvider
) -> None:
    await sign_in(server, client)
    old, server.key = server.key, rsa_key("two")
    server.published, server.header, server.used = [server.key.as_dict(private=False)], {"kid": "two"}, False
    for _ in range(3):
        with pytest.raises(IdentityRefused):  # within the minute
            await sign_in(server, client)
        server.used = False
    assert server.reads.count("keys") == 1
    assert isinstance(server.clock, StoppedClock)
    server.clock.pass_by(timedelta(seconds=60))
    assert (await sign_in(server, client)).subject == "ananya"
    assert server.reads.count("keys") == 2
    server.key, server.header, server.used = old, {"kid": "one"}, False
    with pytest.raises(IdentityRefused):  # a withdrawn key
        await sign_in(server, client)


async def test_a_withdrawn_key_is_refused_after_an_hour(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    await sign_in(server, client)
    server.published, server.used = [elliptic_key("two").as_dict(private=False)], False
    assert isinstance(server.clock, StoppedClock)
    server.clock.pass_by(timedelta(hours=1))
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


async def test_a_code_works_once(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    request = await client.begin()
    server.visit(request.url)
    await client.complete(CODE, None, request.browser_secret)
    with pytest.raises(IdentityRefused):
        await client.complete(CODE, None, request.browser_secret)


async def test_a_code_is_of_no_use_in_another_browser(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    request, other = await client.begin(), await client.begin()
    server.visit(request.url)
    with pytest.raises(IdentityRefused):
        await client.complete(CODE, None, other.browser_secret)


@pytest.mark.parametrize(("announced", "given", "accepted"), [
    (False, None, True),
    (False, "own", True),
    (True, "own", True),
    (True, None, False),
    (False, "https://evil.example.org", False),
    (True, "https://evil.example.org", False),
    (False, "", False),
])  # fmt: skip
async def test_an_answer_of_another_provider_reveals_no_code(
    server: LocalOpenIdProvider, client: OidcProvider, announced: bool, given: str | None, accepted: bool
) -> None:
    server.discovery = {"authorization_response_iss_parameter_supported": announced}
    issuer = server.issuer if given == "own" else given
    if accepted:
        assert (await sign_in(server, client, issuer)).subject == "ananya"
        return
    with pytest.raises(IdentityRefused):
        await sign_in(server, client, issuer)
    assert server.exchanges == []


@pytest.mark.parametrize(("methods", "basic"), [
    (None, True), (["client_secret_post", "client_secret_basic"], True), (["client_secret_post"], False)
])  # fmt: skip
async def test_the_client_authenticates_as_the_provider_wants(
    server: LocalOpenIdProvider, client: OidcProvider, methods: list[str] | None, basic: bool
) -> None:
    server.discovery = {"token_endpoint_auth_methods_supported": methods} if methods else {}
    await sign_in(server, client)
    if basic:
        words = b64decode(server.authorization.removeprefix("Basic ")).decode().split(":")
        assert [unquote_plus(each) for each in words] == [CLIENT, SECRET]
    else:
        assert server.exchanges[0].items() >= {"client_id": CLIENT, "client_secret": SECRET}.items()
    assert ("client_secret" in server.exchanges[0]) == (server.authorization == "")


USELESS: dict[str, dict[str, Any]] = {
    "another issuer": {"issuer": "https://accounts.example.org"},
    "a slash more": {"issuer": "{url}/"},
    "plain http elsewhere": {"token_endpoint": "http://token.example.org/token"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
    "a password in the address": {"token_endpoint": "https://user:word@token.example.org/"},
    "no endpoint": {"authorization_endpoint": None},
    "an endpoint that is no address": {"token_endpoint": "https://[::1/token"},
    "no PKCE": {"code_challenge_methods_supported": ["plain"]},
    "only other client authentication": {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
    "an endless document": {"padding": "x" * 300_000},
}


@pytest.mark.parametrize("document", USELESS.values(), ids=USELESS)
async def test_a_useless_discovery_document_is_an_outage(
    server: LocalOpenIdProvider, client: OidcProvider, document: dict[str, Any]
) -> None:
    server.discovery = {name: server.url + "/" if value == "{url}/" else value for name, value in document.items()}
    with pytest.raises(ProviderUnavailable):
        await client.begin()


async def test_no_redirect_is_followed(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    server.moved = True
    with pytest.raises(ProviderUnavailable):
        await client.begin()
    server.moved = False
    server.token_answer = web.Response(status=307, headers={"Location": f"{server.url}/elsewhere"})
    with pytest.raises(ProviderUnavailable):
        await sign_in(server, client)
    assert not server.lured


async def test_a_provider_that_is_down_is_found_again(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    await server.stop()
    failures = await asyncio.gather(*(client.begin() for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in failures} == {ProviderUnavailable}
    await server.start()
    assert (await sign_in(server, client)).subject == "ananya"
    assert server.reads.count("discovery") == 1


async def test_many_first_sign_ins_read_discovery_once(server: LocalOpenIdProvider, client: OidcProvider) -> None:
    await asyncio.gather(*(client.begin() for _ in range(50)))
    assert server.reads == ["discovery"]


BAD_TOKENS = ["", "a.b", "a.b.c", "é.é.é", "x" * 20_000, "e30.e30.", b64encode(b"[" * 3_000).decode() + ".e30.e30"]


@pytest.mark.parametrize("token", BAD_TOKENS, ids=range(len(BAD_TOKENS)))
async def test_what_is_no_token_proves_nothing(server: LocalOpenIdProvider, client: OidcProvider, token: str) -> None:
    server.token_answer = web.json_response({"id_token": token, "access_token": "a"})
    with pytest.raises(IdentityRefused):
        await sign_in(server, client)


@pytest.mark.parametrize(("status", "body"), [
    (200, {}), (200, {"id_token": 7, "access_token": "a"}), (401, {"error": "invalid_client"}), (500, {}), (400, {}),
    (400, {"error": "<script>"}),
])  # fmt: skip
async def test_an_answer_without_tokens_is_an_outage(
    server: LocalOpenIdProvider, client: OidcProvider, status: int, body: dict[str, Any]
) -> None:
    server.token_answer = web.json_response(body, status=status)
    with pytest.raises(ProviderUnavailable) as refused:
        await sign_in(server, client)
    assert SECRET not in str(refused.value)
    assert "script" not in str(refused.value)


@pytest.mark.parametrize(("tenant", "issuer", "key_issuer", "accepted"), [
    (TENANT, "{url}/" + TENANT + "/v2.0", "{url}/{tenantid}/v2.0", True),
    (TENANT, "{url}/" + TENANT + "/v2.0", "{url}/" + TENANT + "/v2.0", True),
    (TENANT, "{url}/" + TENANT + "/v2.0", "{url}/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", False),
    (TENANT, "{url}/" + TENANT + "/v2.0", None, False),
    (TENANT, "{url}/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", "{url}/{tenantid}/v2.0", False),
    (TENANT, "{url}/{tenantid}/v2.0", "{url}/{tenantid}/v2.0", False),
    ("{tenantid}", "{url}/{tenantid}/v2.0", "{url}/{tenantid}/v2.0", False),
    (None, "{url}/{tenantid}/v2.0", "{url}/{tenantid}/v2.0", False),
])  # fmt: skip
async def test_each_tenant_of_microsoft_is_an_issuer(
    server: LocalOpenIdProvider, tenant: str | None, issuer: str, key_issuer: str | None, accepted: bool
) -> None:
    server.issuer = server.url + "/{tenantid}/v2.0"
    server.claims = {"tid": tenant, "iss": issuer.replace("{url}", server.url)}
    server.published = [
        server.key.as_dict(private=False) | ({"issuer": key_issuer.replace("{url}", server.url)} if key_issuer else {})
    ]
    client = adapter_of(server)
    try:
        if accepted:
            assert (await sign_in(server, client)).issuer == f"{server.url}/{TENANT}/v2.0"
        else:
            with pytest.raises(IdentityRefused):
                await sign_in(server, client)
    finally:
        await client.close()
