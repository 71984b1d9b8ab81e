"""Accounts and API keys over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from config.container import Application
from core.identity.account import NewAccount
from core.identity.api_key import NewApiKey
from core.identity.roles import Role
from core.kernel.authorization import Permission
from tests.conformance import assert_documented
from tests.integration.admission import an_access_token, http_app

pytestmark = pytest.mark.parametrize("stored_settings", ["memory", "sqlite"], indirect=True)
CLERK = {"roles": ["clerk"], "name": "Rohan Patil", "centre": "SU-PUNE"}


@pytest.fixture
async def api(stored: Application) -> AsyncIterator[httpx.AsyncClient]:
    """Call as an administrator that has just signed in: an API key gives no power."""
    transport = httpx.ASGITransport(http_app(stored, keyed=False))
    hooks: Any = {"response": [assert_documented]}
    headers = {"Authorization": f"Bearer {await an_access_token(stored)}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://office", headers=headers, event_hooks=hooks
    ) as api:
        yield api


async def refused(api: httpx.AsyncClient, headers: dict[str, str]) -> None:
    """Wait until a credential is refused: a second, and some for a busy machine."""
    async with asyncio.timeout(10):
        while (await api.get("/v1/fee-schedules", headers=headers)).status_code != 401:
            await asyncio.sleep(0.05)


async def test_a_repeated_request_creates_one_account(api: httpx.AsyncClient) -> None:
    answers = [await api.post("/v1/accounts", json=CLERK, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]

    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    other = await api.post("/v1/accounts", json=CLERK | {"name": "Asha"}, headers={"Idempotency-Key": "k-1"})
    assert other.json()["type"] == "urn:bursar:problem:idempotency-key-reused"
    listed = (await api.get("/v1/accounts")).json()["items"]
    assert [each["name"] for each in listed] == ["Tests", "Rohan Patil"]


async def test_pages_of_accounts_name_their_successors(api: httpx.AsyncClient) -> None:
    for number in range(3):
        await api.post("/v1/accounts", json=CLERK, headers={"Idempotency-Key": f"k-{number}"})

    first = (await api.get("/v1/accounts", params={"limit": 3})).json()
    rest = (await api.get("/v1/accounts", params={"limit": 3, "after": first["next"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (3, 1, None)
    assert first["next"] == first["items"][-1]["id"] < rest["items"][0]["id"]


async def test_a_key_lives_from_its_only_showing_to_its_end(api: httpx.AsyncClient) -> None:
    account = (await api.post("/v1/accounts", json=CLERK, headers={"Idempotency-Key": "k"})).json()["id"]
    issued = await api.post("/v1/api-keys", json={"account": account, "name": "counter"})
    key, credential = issued.json()["key"]["id"], issued.json()["credential"]
    own = {"Authorization": f"Bearer {credential}"}

    assert (issued.status_code, issued.headers["cache-control"]) == (201, "no-store")
    assert (await api.get("/v1/fee-schedules", headers=own)).status_code == 200
    listed = await api.get("/v1/api-keys", params={"account": account})
    assert [each["id"] for each in listed.json()["items"]] == [key]
    assert credential not in listed.text
    assert (await api.post(f"/v1/api-keys/{key}/revoke")).json()["revoked_at"]
    await refused(api, own)


async def test_a_disabled_account_is_refused_with_all_its_keys(api: httpx.AsyncClient) -> None:
    account = (await api.post("/v1/accounts", json=CLERK, headers={"Idempotency-Key": "k"})).json()["id"]
    issued = await api.post("/v1/api-keys", json={"account": account, "name": "counter"})
    disabled = await api.post(f"/v1/accounts/{account}/disable")

    assert (disabled.status_code, disabled.json()["active"]) == (200, False)
    own = {"Authorization": f"Bearer {issued.json()['credential']}"}
    await refused(api, own)
    assert (await api.post("/v1/api-keys", json={"account": account, "name": "again"})).status_code == 409


async def test_a_caller_gives_no_more_than_it_has(stored: Application, api: httpx.AsyncClient) -> None:
    identity = stored.use_cases().identity
    office = await identity.create_account(NewAccount(roles=(Role.ADMINISTRATOR,), name="Office"))
    few = (Permission.ACCOUNTS_WRITE, Permission.API_KEYS_WRITE)
    narrow = await identity.create_api_key(NewApiKey(account=office.id, name="narrow", permissions=few))
    own = {"Authorization": f"Bearer {narrow.credential}"}

    created = await api.post("/v1/accounts", json=CLERK, headers={**own, "Idempotency-Key": "k"})
    wanted = {"account": str(office.id), "name": "wide", "permissions": ["audit:read"]}
    issued = await api.post("/v1/api-keys", json=wanted, headers=own)
    assert [each.json()["type"] for each in (created, issued)] == [
        "urn:bursar:problem:not-permitted",
        "urn:bursar:problem:step-up-needed",
    ]
