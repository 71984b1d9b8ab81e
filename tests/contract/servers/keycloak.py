"""A Keycloak with one realm, and what a browser and a person do there."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.containers import KEYCLOAK_ADMIN

CLIENT, SECRET, PASSWORD = "bursar", "a secret of Keycloak", "a long password"
LOGIN_FORM = re.compile(r'action="([^"]+)"')


def create_realm(url: str, realm: str, callback: str) -> str:
    """Create a realm with a client and two persons, of whom one has a verified address; return its issuer."""
    name, password = KEYCLOAK_ADMIN
    with httpx.Client(base_url=url, timeout=60) as admin:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": name, "password": password}
        token = answered(admin.post("/realms/master/protocol/openid-connect/token", data=form)).json()["access_token"]
        admin.headers["Authorization"] = f"Bearer {token}"
        answered(admin.post("/admin/realms", json={"realm": realm, "enabled": True}))
        client = {"clientId": CLIENT, "secret": SECRET, "redirectUris": [callback], "publicClient": False}
        answered(admin.post(f"/admin/realms/{realm}/clients", json=client))
        for person in (a_person("ananya", "Ananya", "Rao", verified=True), a_person("vikram", "Vikram", "Singh")):
            answered(admin.post(f"/admin/realms/{realm}/users", json=person))
    return f"{url}/realms/{realm}"


def a_person(login: str, first: str, last: str, *, verified: bool = False) -> dict[str, Any]:
    return {
        "username": login,
        "firstName": first,
        "lastName": last,
        "email": f"{login}@example.org",
        "emailVerified": verified,
        "enabled": True,
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}],
    }


def visit(url: str, login: str) -> dict[str, str]:
    """Sign in at the login form; return the parameters with which the browser comes back."""
    with httpx.Client(timeout=60) as browser:
        page = answered(browser.get(url))
        form = LOGIN_FORM.search(page.text)
        assert form, page.text
        # its cookies are `Secure`, which a browser sends to this machine and httpx to https alone
        cookies = "; ".join(f"{each.name}={each.value}" for each in browser.cookies.jar)
        person = {"username": login, "password": PASSWORD}
        answer = browser.post(unescape(form[1]), data=person, headers={"Cookie": cookies})
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def answered(response: httpx.Response) -> httpx.Response:
    assert response.is_success, response.text
    return response
