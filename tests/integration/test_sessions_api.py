"""Sign-in and sessions over HTTP: what a stranger, a thief and another account get."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from config.container import Application
from core.identity.api_key import NewApiKey
from core.identity.roles import Role
from tests.conformance import assert_documented
from tests.integration.admission import http_app
from tests.integration.http_server import served, without_trace
from tests.unit.identity.harness import GOOD_PASSWORD, Authenticator, Office

pytestmark = pytest.mark.parametrize("stored_settings", ["memory", "sqlite"], indirect=True)
SIGN_IN = {"login": "meenakshi", "password": GOOD_PASSWORD}
ANOTHER_PASSWORD = "copper meadow umbrella 9"


@dataclass
class Browser:
    """One client of the API, without a credential of its own."""

    http: httpx.AsyncClient
    office: Office

    async def __call__(self, method: str, path: str, token: str = "", **more) -> httpx.Response:
        headers = ({"Authorization": f"Bearer {token}"} if token else {}) | more.pop("headers", {})
        answer = await self.http.request(method, path, headers=headers, **more)
        await assert_documented(answer)
        return answer

    async def sign_in(self, login="meenakshi", password=GOOD_PASSWORD) -> httpx.Response:
        return await self("POST", "/v1/sessions", json={"login": login, "password": password})

    async def refresh(self, token: str) -> httpx.Response:
        return await self("POST", "/v1/sessions/refresh", json={"refresh_token": token})


@pytest.fixture
async def browser(stored: Application) -> AsyncIterator[Browser]:
    office = await Office.over(stored).open()
    await office.with_password()
    transport = httpx.ASGITransport(http_app(stored, keyed=False))
    async with httpx.AsyncClient(transport=transport, base_url="http://office") as http:
        yield Browser(http, office)


async def test_a_session_lives_from_sign_in_to_its_end(browser):
    signed_in = await browser.sign_in()
    tokens = signed_in.json()
    refreshed = (await browser.refresh(tokens["refresh_token"])).json()
    listed = await browser("GET", "/v1/sessions", refreshed["access_token"])
    ended = await browser("DELETE", f"/v1/sessions/{tokens['session']}", refreshed["access_token"])

    assert (signed_in.status_code, signed_in.headers["cache-control"]) == (201, "no-store")
    assert [each["current"] for each in listed.json()["items"]] == [True]
    assert ended.status_code == 204
    for token in (tokens["access_token"], refreshed["access_token"]):
        refused = await browser("GET", "/v1/sessions", token)
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:bursar:problem:session-ended")
    assert (await browser.refresh(refreshed["refresh_token"])).status_code == 401


async def test_no_answer_to_a_program_sets_a_cookie(browser):
    token = (await browser.sign_in()).json()["refresh_token"]
    answers = await asyncio.gather(*(browser.refresh(token) for _ in range(20)))

    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    assert not any("set-cookie" in each.headers for each in answers)


@dataclass
class Page:
    """A page in a browser, over a real connection: the cookie of its session, and the CSRF token that it received."""

    browser: Browser
    cookie: str
    csrf: str
    session: str
    access_token: str

    @classmethod
    async def signed_in(cls, browser: Browser) -> "Page":
        body = {"login": "meenakshi", "password": GOOD_PASSWORD, "cookie": True}
        answer = await browser("POST", "/v1/sessions", json=body)
        assert "refresh_token" not in answer.json()
        told = answer.json()
        return cls(browser, kept(answer), told["csrf_token"], told["session"], told["access_token"])

    async def refresh(self, **changes: str) -> httpx.Response:
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf} | {
            name.replace("_", "-"): value for name, value in changes.items()
        }
        return await self.browser("POST", "/v1/sessions/refresh", json={}, headers=headers)


def kept(answer: httpx.Response) -> str:
    """Return what a browser sends after an answer."""
    [line] = answer.headers.get_list("set-cookie")
    pair, *attributes = line.split("; ")
    assert {each.lower() for each in attributes} == {
        "httponly", "max-age=2592000", "path=/", "samesite=strict", "secure",
    }  # fmt: skip
    assert pair.startswith("__Host-bursar-session=")
    return pair


@pytest.fixture
async def page(browser, stored: Application) -> AsyncIterator[Page]:
    async with (
        served(stored, app=http_app(stored, keyed=False)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        yield await Page.signed_in(Browser(http, browser.office))


async def test_a_browser_keeps_its_refresh_token_where_no_script_reads_it(page):
    first = await page.refresh()
    page.cookie = kept(first)
    second = await page.refresh()
    ended = await page.browser(
        "DELETE", f"/v1/sessions/{page.session}", second.json()["access_token"], headers={"Cookie": page.cookie}
    )

    assert (first.status_code, second.status_code, ended.status_code) == (200, 200, 204)
    assert first.json()["csrf_token"] == second.json()["csrf_token"] == page.csrf
    assert "refresh_token" not in first.json() | second.json()
    assert ended.headers["set-cookie"].startswith('__Host-bursar-session=""; ')
    assert "max-age=0" in ended.headers["set-cookie"].lower()
    page.cookie = kept(second)
    gone = await page.refresh()
    assert (gone.status_code, "set-cookie" in gone.headers) == (401, False)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"X_CSRF_Token": ""}, 403),
        ({"X_CSRF_Token": "0" * 64}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Cookie": "__Host-bursar-session=x"}, 401),
        ({"Cookie": "bursar-session=x"}, 401),
        ({"Cookie": "__Host-bursar-session=x; __Host-bursar-session=y"}, 401),
    ],
)
async def test_a_cookie_without_its_csrf_token_does_nothing(page, changes, status):
    refused = await page.refresh(**changes)
    assert (refused.status_code, "set-cookie" in refused.headers) == (status, False)

    other = await Page.signed_in(page.browser)
    assert (await page.refresh(X_CSRF_Token=other.csrf)).status_code == 403
    assert (await page.refresh()).status_code == 200


async def test_simultaneous_refreshes_of_a_browser_keep_one_cookie_and_a_refused_one_none(page):
    answers = await asyncio.gather(*(page.refresh() for _ in range(20)))
    stale = await page.refresh()

    assert {each.status_code for each in (*answers, stale)} == {200}
    [successor] = {kept(each) for each in (*answers, stale)}
    assert len({each.json()["csrf_token"] for each in answers}) == 1

    before, page.cookie = page.cookie, successor
    kept(await page.refresh())
    page.cookie = before
    refused = await page.refresh()
    assert refused.json()["type"] == "urn:bursar:problem:refresh-token-reused"
    assert "set-cookie" not in refused.headers


async def test_the_session_of_another_account_is_not_found(browser):
    victim, thief = (await browser.sign_in()).json(), await browser.office.signed_in(await browser.office.account())

    assert (await browser("DELETE", f"/v1/sessions/{victim['session']}", thief.access_token)).status_code == 404
    assert (await browser("GET", "/v1/sessions", victim["access_token"])).status_code == 200


async def test_tokens_of_one_kind_are_refused_as_the_other(browser):
    tokens = (await browser.sign_in()).json()

    assert (await browser("GET", "/v1/sessions", tokens["refresh_token"])).status_code == 401
    assert (await browser.refresh(tokens["access_token"])).status_code in (400, 401)


@pytest.mark.parametrize(("size", "status"), [(1_024, 401), (1_025, 400), (1_000_000, 413)])
async def test_a_long_password_is_refused_without_being_hashed(browser, size, status):
    assert (await browser.sign_in(password="x" * size)).status_code == status


async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(browser):
    answers = [await browser.sign_in(password="wrong"), await browser.sign_in(login="unknown")]

    assert {each.status_code for each in answers} == {401}
    assert without_trace(answers[0].json()) == without_trace(answers[1].json())


async def test_the_eleventh_wrong_password_is_not_verified(browser):
    answers = [(await browser.sign_in(password="wrong")).status_code for _ in range(11)]

    assert answers == [401] * 10 + [429]
    assert (await browser.sign_in()).status_code == 429


async def test_a_password_is_changed_by_its_owner_and_reset_by_a_link(browser):
    tokens = (await browser.sign_in()).json()
    change = {"current": GOOD_PASSWORD, "password": ANOTHER_PASSWORD}
    assert (await browser("PUT", "/v1/password", tokens["access_token"], json=change)).status_code == 204
    assert (await browser("GET", "/v1/sessions", tokens["access_token"])).status_code == 401
    signed_in = await browser.sign_in(password=ANOTHER_PASSWORD)
    assert signed_in.status_code == 201

    account = (await browser.office.identity.authenticate_session(signed_in.json()["access_token"])).account
    link = await browser.office.identity.create_password_link(account)
    body = {"token": link.token, "password": GOOD_PASSWORD}
    assert [(await browser("POST", "/v1/passwords", json=body)).status_code for _ in range(2)] == [204, 401]
    assert (await browser.sign_in()).status_code == 201


async def test_an_officer_creates_no_links(browser):
    token = (await browser.sign_in()).json()["access_token"]
    account = (await browser.office.account()).id

    assert (
        await browser("POST", f"/v1/accounts/{account}/password-link", token, json={"login": "abc"})
    ).status_code == 403


async def test_the_public_keys_are_open_and_hold_no_private_part(browser):
    answer = await browser("GET", "/.well-known/jwks.json")

    assert answer.status_code == 200
    assert all("d" not in key and key["alg"] == "ES256" for key in answer.json()["keys"])


async def test_a_second_factor_from_enrolment_to_removal(browser):
    token = (await browser.sign_in()).json()["access_token"]
    enrolled = await browser("POST", "/v1/second-factor", token)
    app = Authenticator(enrolled.json()["secret"], browser.office.clock)
    confirmed = await browser("POST", "/v1/second-factor/confirm", token, json={"code": app.code()})
    without = await browser.sign_in()
    browser.office.clock.pass_by(timedelta(minutes=16))
    signed_in = await browser("POST", "/v1/sessions", json={**SIGN_IN, "code": app.code()})
    again = await browser("POST", "/v1/sessions", json={**SIGN_IN, "code": app.code()})

    assert (enrolled.status_code, enrolled.headers["cache-control"]) == (201, "no-store")
    assert (confirmed.status_code, confirmed.headers["cache-control"]) == (200, "no-store")
    assert (without.status_code, without.json()["type"]) == (401, "urn:bursar:problem:second-factor-needed")
    assert (signed_in.status_code, again.status_code) == (201, 401)
    browser.office.clock.pass_by(timedelta(minutes=14))
    refreshed = (await browser.refresh(signed_in.json()["refresh_token"])).json()
    browser.office.clock.pass_by(timedelta(minutes=2))
    refused = await browser("DELETE", "/v1/second-factor", refreshed["access_token"])
    recovery = {"code": confirmed.json()["recovery_codes"][0]}
    stepped_up = await browser("POST", "/v1/sessions/step-up", refreshed["access_token"], json=recovery)
    used = await browser("POST", "/v1/sessions/step-up", refreshed["access_token"], json=recovery)
    removed = await browser("DELETE", "/v1/second-factor", stepped_up.json()["access_token"])

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bursar:problem:step-up-needed")
    challenge = refused.headers["www-authenticate"]
    assert challenge.startswith('Bearer error="insufficient_user_authentication"')
    assert challenge.endswith("max_age=900")
    assert (stepped_up.status_code, used.status_code, removed.status_code) == (200, 401, 204)
    assert (await browser.sign_in()).status_code == 201


async def test_an_api_key_gives_no_power_to_others(browser):
    administrator = await browser.office.with_password("root", role=Role.ADMINISTRATOR)
    key = await browser.office.identity.create_api_key(NewApiKey(account=administrator.id, name="portal"))
    path = f"/v1/accounts/{(await browser.office.account()).id}/password-link"
    tokens = (await browser.sign_in("root")).json()
    refused = await browser("POST", path, key.credential, json={"login": "abc"})
    created = await browser("POST", path, tokens["access_token"], json={"login": "abc"})

    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bursar:problem:step-up-needed")
    assert created.status_code == 201


@pytest.mark.parametrize("code", ["", "12345", "x" * 41, 123456, "\u0967" * 6])
async def test_a_code_of_another_form_is_400_everywhere(browser, code):
    token = (await browser.sign_in()).json()["access_token"]

    assert (await browser("POST", "/v1/sessions", json={**SIGN_IN, "code": code})).status_code == 400
    for path in ("/v1/sessions/step-up", "/v1/second-factor/confirm"):
        assert (await browser("POST", path, token, json={"code": code})).status_code == 400
