"""The whole code flow with real OpenID providers."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from adapters.oidc.provider import OidcProvider
from adapters.system.clock import SystemClock
from core.identity.identity_provider import IdentityRefused
from tests import containers
from tests.contract.servers import keycloak, small_provider

CALLBACK = "http://127.0.0.1:8000/v1/sign-in/it/callback"


@dataclass(frozen=True)
class Provider:
    client: OidcProvider
    visit: Callable[[str, str], dict[str, str]]


@pytest.fixture(scope="module")
def small() -> Iterator[str]:
    with small_provider.small_provider() as issuer:
        small_provider.add_person(issuer, "ananya", verified=True)
        small_provider.add_person(issuer, "vikram", verified=False)
        yield issuer


@pytest.fixture(params=["small", "keycloak"])
async def provider(request: pytest.FixtureRequest, server: Callable[[str], Any]) -> AsyncIterator[Provider]:
    if request.param == "small":
        issuer, visit, secret = request.getfixturevalue("small"), small_provider.visit, "any"
    else:
        if not containers.KEYCLOAK:  # it takes half a minute to start, and more on a busy machine
            pytest.skip("BURSAR_TEST_KEYCLOAK_IMAGE names no image, as in quay.io/keycloak/keycloak:26.4")
        issuer = keycloak.create_realm(server("keycloak"), f"bursar-{uuid4().hex[:8]}", CALLBACK)
        visit, secret = keycloak.visit, keycloak.SECRET
    client = OidcProvider(
        issuer=issuer,
        client_id=keycloak.CLIENT,
        client_secret=secret,
        scopes=("openid", "email", "profile"),
        callback=CALLBACK,
        clock=SystemClock(),
    )
    yield Provider(client, visit)
    await client.close()


async def test_two_persons_sign_in_and_a_code_works_once_in_one_browser(provider: Provider) -> None:
    first, other = await provider.client.begin(), await provider.client.begin()
    answer = provider.visit(first.url, "ananya")
    assert answer["state"] == first.state
    ananya = await provider.client.complete(answer["code"], answer.get("iss"), first.browser_secret)
    assert (ananya.email, ananya.email_verified) == ("ananya@example.org", True)
    assert ananya.name.startswith("Ananya")

    with pytest.raises(IdentityRefused):
        await provider.client.complete(answer["code"], answer.get("iss"), first.browser_secret)

    answer = provider.visit(other.url, "vikram")
    with pytest.raises(IdentityRefused):
        await provider.client.complete(answer["code"], answer.get("iss"), first.browser_secret)

    again = await provider.client.begin()
    answer = provider.visit(again.url, "vikram")
    vikram = await provider.client.complete(answer["code"], answer.get("iss"), again.browser_secret)
    assert vikram.issuer == ananya.issuer
    assert vikram.subject != ananya.subject
    assert not vikram.email_verified
