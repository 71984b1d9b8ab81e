"""Sign-in with identity providers, and links with their identities, on each kind of persistence."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from dependency_injector import providers

from adapters.oidc.provider import OidcProvider
from config.container import Application
from core.audit.ports import AuditFilter
from core.identity.account import Account, NewAccount
from core.identity.errors import SessionEnded, WrongCredentials
from core.identity.identity_link import AddressNotShared, IdentityAlreadyLinked, IdentityLink, IdentityNotLinked
from core.identity.identity_provider import AuthorizationRequest, IdentityRefused, ProviderUnavailable, UnknownProvider
from core.identity.passwords.password_method import PasswordCredential
from core.identity.pending_sign_in import LIFETIME
from core.identity.providers.provider_method import ProviderAnswer
from core.identity.roles import Role
from core.kernel.authorization import ANONYMOUS, NotAuthenticated, acting_as
from core.messaging.retention import RetainedRecords
from tests.contract.servers.openid import CLIENT, CODE, SECRET, LocalOpenIdProvider
from tests.integration.admission import http_app
from tests.unit.identity.harness import GOOD_PASSWORD, Office
from tests.units_of_work import any_work

COOKIE = "__Host-bursar-sign-in"


class ProviderOffice(Office):
    """An office with the provider `school` and one that is down."""

    server: LocalOpenIdProvider

    async def begin(self, account_tokens: Any = None, provider: str = "school") -> AuthorizationRequest:
        """Start a sign-in; with tokens, start to link their account."""
        if account_tokens is None:
            request: AuthorizationRequest = await self.identity.sign_in_with_provider(provider)
        else:
            with acting_as(await self.principal(account_tokens)):
                request = await self.identity.link_identity(provider)
        self.server.visit(request.url)
        self.server.used = False
        return request

    async def complete(self, request: AuthorizationRequest, **changes: Any) -> Any:
        answer = ProviderAnswer(
            provider="school", state=request.state, code=CODE, browser_secret=request.browser_secret
        )
        return await self.identity.sign_in(replace(answer, **changes))

    async def holder(self, email: str = "ananya@example.org") -> Account:
        """Return an account with a password and an address."""
        account: Account = await self.identity.create_account(
            NewAccount(roles=(Role.OFFICER,), name="Ananya Rao", email=email)
        )
        link = await self.identity.create_password_link(account.id, "ananya")
        await self.identity.set_password(link.token, GOOD_PASSWORD)
        return account

    async def with_password(self, *_: Any) -> Any:
        return await self.identity.sign_in(PasswordCredential(login="ananya", password=GOOD_PASSWORD))

    async def linked(self) -> Account:
        account = await self.holder()
        await self.complete(await self.begin(await self.with_password()))
        return account


@pytest.fixture
async def office(stored: Application) -> AsyncIterator[ProviderOffice]:
    office = ProviderOffice.over(stored)
    assert isinstance(office, ProviderOffice)
    office.server = LocalOpenIdProvider(office.clock)
    await office.server.start()

    def adapter(issuer: str) -> OidcProvider:
        return OidcProvider(
            issuer=issuer,
            client_id=CLIENT,
            client_secret=SECRET,
            scopes=("openid", "email"),
            callback="https://fees.example.org/v1/sign-in/school/callback",
            clock=office.clock,
        )

    named = {"school": adapter(office.server.issuer), "down": adapter("http://127.0.0.1:1")}
    stored.identity.identity_providers.override(providers.Object(named))
    await office.open()
    yield office
    for each in named.values():
        await each.close()
    await office.server.stop()


async def test_an_unknown_identity_opens_nothing_whatever_its_address(office: ProviderOffice) -> None:
    await office.holder()
    with pytest.raises(IdentityNotLinked):
        await office.complete(await office.begin())


async def test_a_linked_identity_signs_in_by_its_subject(office: ProviderOffice) -> None:
    account = await office.linked()
    office.server.claims = {"email": "another@example.org", "email_verified": False}
    tokens = await office.complete(await office.begin())
    assert (await office.principal(tokens)).account == account.id
    with acting_as(await office.principal(tokens)):
        opened = await office.identity.list_sessions()
    assert {each.methods for each in opened} == {("oidc",)}

    office.server.claims = {"sub": "another"}  # with the same address
    with pytest.raises(IdentityNotLinked):
        await office.complete(await office.begin())


async def test_a_link_ends_the_password_and_the_sessions_from_before_it(office: ProviderOffice) -> None:
    await office.holder()
    elsewhere, here = await office.with_password(), await office.with_password()
    tokens = await office.complete(await office.begin(here))

    assert (await office.principal(tokens)).session == tokens.session
    for before in (elsewhere, here):
        with pytest.raises(SessionEnded):
            await office.principal(before)
        with pytest.raises(NotAuthenticated):
            await office.identity.refresh_session(before.refresh_token)
    with pytest.raises(WrongCredentials):
        await office.with_password()


@pytest.mark.parametrize(("address", "claims"), [
    ("ananya@example.org", {"email_verified": False}),
    ("ananya@example.org", {"email_verified": "true"}),
    ("ananya@example.org", {"email": "ananya@example.com"}),
    ("ananya@example.org", {"email": None}),
    ("", {"email": ""}),
])  # fmt: skip
async def test_only_an_address_verified_on_both_sides_links(
    office: ProviderOffice, address: str, claims: dict[str, Any]
) -> None:
    await office.holder(address)
    here, office.server.claims = await office.with_password(), claims
    with pytest.raises(AddressNotShared):
        await office.complete(await office.begin(here))
    office.server.claims = {}
    with pytest.raises(IdentityNotLinked):
        await office.complete(await office.begin())
    await office.principal(here)
    await office.with_password()


async def test_a_link_is_recorded_as_a_deed_of_its_account(office: ProviderOffice) -> None:
    account = await office.linked()
    which = AuditFilter(action="link-identity")
    [record] = (await office.application.use_cases().audit.list_audit_records(which, None, 10)).items
    assert (record.account, record.target) == (account.id, f"account/{account.id}")
    assert "ananya" not in record.after


async def test_an_identity_has_one_account(office: ProviderOffice) -> None:
    first = await office.linked()
    other = await office.identity.create_account(
        NewAccount(roles=(Role.OFFICER,), name="Ananya R.", email="ANANYA@example.org")
    )
    here = await office.signed_in(other)
    with pytest.raises(IdentityAlreadyLinked):
        await office.complete(await office.begin(here))
    await office.principal(here)
    tokens = await office.complete(await office.begin())
    assert (await office.principal(tokens)).account == first.id


async def test_a_link_needs_a_session_that_is_still_open(office: ProviderOffice) -> None:
    await office.holder()
    with acting_as(ANONYMOUS), pytest.raises(NotAuthenticated):
        await office.identity.link_identity("school")
    here = await office.with_password()
    with acting_as(replace(await office.principal(here), session=None)), pytest.raises(NotAuthenticated):
        await office.identity.link_identity("school")
    request = await office.begin(here)
    with acting_as(await office.principal(here)):
        await office.identity.end_sessions()
    with pytest.raises(IdentityRefused):
        await office.complete(request)


async def test_a_disabled_account_neither_links_nor_signs_in(office: ProviderOffice) -> None:
    account = await office.holder()
    request = await office.begin(await office.with_password())
    await office.identity.disable_account(account.id)
    with pytest.raises(NotAuthenticated):
        await office.complete(request)


async def test_a_disabled_account_does_not_sign_in(office: ProviderOffice) -> None:
    account = await office.linked()
    await office.identity.disable_account(account.id)
    with pytest.raises(WrongCredentials):
        await office.complete(await office.begin())


@pytest.mark.parametrize("change", [
    {"browser_secret": ""}, {"browser_secret": "x" * 43}, {"state": ""}, {"state": "x" * 43}, {"state": "\ud800"},
    {"state": "s" * 10_000}, {"code": ""}, {"code": "c" * 10_000}, {"provider": "down"},
])  # fmt: skip
async def test_a_foreign_answer_opens_nothing_and_reveals_no_code(
    office: ProviderOffice, change: dict[str, Any]
) -> None:
    await office.linked()
    request = await office.begin()
    exchanges = len(office.server.exchanges)
    with pytest.raises(IdentityRefused):
        await office.complete(request, **change)
    assert len(office.server.exchanges) == exchanges


async def test_a_state_is_answered_once(office: ProviderOffice) -> None:
    await office.linked()
    request = await office.begin()
    answers = await asyncio.gather(*(office.complete(request) for _ in range(8)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in answers) == ["IdentityRefused"] * 7 + ["SessionTokens"]

    stolen = await office.begin()
    with pytest.raises(IdentityRefused):
        await office.complete(stolen, browser_secret="of another browser")
    with pytest.raises(IdentityRefused):  # the first answer used it up
        await office.complete(stolen)


async def test_a_sign_in_lasts_ten_minutes(office: ProviderOffice) -> None:
    await office.linked()
    request = await office.begin()
    office.clock.pass_by(LIFETIME - timedelta(seconds=1))
    await office.complete(request)
    request = await office.begin()
    office.clock.pass_by(LIFETIME)
    with pytest.raises(IdentityRefused):
        await office.complete(request)


async def test_abandoned_sign_ins_are_purged(office: ProviderOffice) -> None:
    await office.linked()
    for _ in range(3):
        await office.begin()
    office.clock.pass_by(LIFETIME + timedelta(seconds=1))
    kept = await office.begin()
    purged = await office.application.use_cases().messaging.purge_expired_records()
    assert purged[RetainedRecords.SIGN_INS] == 3
    assert (await office.complete(kept)).access_token


async def test_a_provider_that_is_down_or_unknown_concerns_its_sign_in_only(office: ProviderOffice) -> None:
    await office.linked()
    with pytest.raises(ProviderUnavailable):
        await office.identity.sign_in_with_provider("down")
    with pytest.raises(UnknownProvider, match="down, school"):
        await office.identity.sign_in_with_provider("club")
    assert (await office.complete(await office.begin())).access_token


async def test_uncommitted_links_and_takes_never_happened(office: ProviderOffice) -> None:
    account = await office.linked()
    request = await office.begin()
    async with any_work(office.application) as work:
        link = IdentityLink(
            issuer="https://a.example.org", subject="s", account=account.id, linked_at=office.clock.now()
        )
        work.identity_links.add(link)
    async with any_work(office.application) as work:
        assert await work.identity_links.find("https://a.example.org", "s") is None
        work.identity_links.add(link)
        await work.commit()
    async with any_work(office.application) as work:
        assert await work.identity_links.find("https://a.example.org", "s") == link
        for almost in ("S", "s ", ""):
            assert await work.identity_links.find("https://a.example.org", almost) is None
    assert (await office.complete(request)).access_token


@pytest.fixture
async def browser(office: ProviderOffice) -> AsyncIterator[Callable[..., Any]]:
    app = http_app(office.application, clock=office.clock, keyed=False)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://fees.example.org") as client:
        yield client.request


async def test_a_browser_signs_in(office: ProviderOffice, browser: Callable[..., Any]) -> None:
    await office.linked()
    sent = await browser("GET", "/v1/sign-in/school")
    assert sent.status_code == 303
    assert sent.headers["Cache-Control"] == "no-store"
    attributes = {each.strip().lower() for each in sent.headers["Set-Cookie"].split(";")[1:]}
    assert attributes == {"httponly", "max-age=600", "path=/", "samesite=lax", "secure"}
    state = office.server.visit(sent.headers["Location"])
    office.server.used = False
    query = {"state": state, "code": CODE, "iss": office.server.issuer, "session_state": "of Keycloak"}

    back = await browser("GET", "/v1/sign-in/school/callback", params=query)

    assert back.status_code == 200, back.text
    assert back.headers["Cache-Control"] == "no-store"
    assert back.json().keys() >= {"access_token", "csrf_token"}
    assert "refresh_token" not in back.json()
    cookies = {each.partition("=")[0]: each.lower() for each in back.headers.get_list("Set-Cookie")}
    assert cookies.keys() == {COOKIE, "__Host-bursar-session"}
    assert "max-age=0" in cookies[COOKIE]
    assert "samesite=strict" in cookies["__Host-bursar-session"]
    again = await browser("GET", "/v1/sign-in/school/callback", params=query)
    assert (again.status_code, again.json()["type"]) == (401, "urn:bursar:problem:identity-refused")


@pytest.mark.parametrize(("path", "status", "problem"), [
    ("/v1/sign-in/club", 404, "unknown-provider"),
    ("/v1/sign-in/club/callback", 404, "unknown-provider"),
    ("/v1/sign-in/down", 503, "provider-unavailable"),
    ("/v1/sign-in/school/callback", 401, "identity-refused"),
    ("/v1/sign-in/school/callback?error=access_denied&state=s", 401, "identity-refused"),
    ("/v1/sign-in/school/callback?state=%ED%A0%80&code=%FF", 401, "identity-refused"),
])  # fmt: skip
async def test_a_bad_answer_is_a_problem_document(
    office: ProviderOffice, browser: Callable[..., Any], path: str, status: int, problem: str
) -> None:
    answer = await browser("GET", path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:bursar:problem:{problem}")
