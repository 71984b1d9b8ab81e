"""`/v1/principal`: who acts by a credential, for gateways that protect other services with it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from config.container import Application, running
from config.settings import Adapters, Settings
from core.identity.roles import PERMISSIONS, Role
from tests.applications import an_application
from tests.conformance import assert_documented
from tests.integration.admission import an_api_key, http_app

PATH = "/v1/principal"
ASKED = f"{PATH}/of-request?permission=audit:read"


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with running(an_application(Settings(adapters=Adapters(persistence="memory")))) as application:
        yield application


@pytest.fixture
async def client(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(http_app(application, keyed=False))
    hooks = {"response": [assert_documented]}
    async with httpx.AsyncClient(transport=transport, base_url="http://office", event_hooks=hooks) as client:
        yield client


async def test_a_principal_is_shown_alike_in_the_body_and_in_headers(application, client):
    key = await an_api_key(application, Role.CLERK, centre="SU-PUNE")
    answer = await client.get(PATH, headers={"Authorization": f"Bearer {key}"})

    shown, told = answer.json(), answer.headers
    assert (answer.status_code, told["cache-control"]) == (200, "no-store")
    assert shown["subject"] == told["bursar-subject"] != ""
    assert shown["permissions"] == told["bursar-permissions"].split(" ") == sorted(PERMISSIONS[Role.CLERK])
    assert shown["centre"] == told["bursar-centre"] == "SU-PUNE"
    assert ("student" in shown, told["bursar-student"]) == (False, "")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_permission_is_judged_whatever_the_method_of_the_request(application, client, method):
    found = {}
    for role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.OFFICER, Role.SERVICE):
        headers = {"Authorization": f"Bearer {await an_api_key(application, role)}"}
        found[role] = (await client.request(method, ASKED, headers=headers)).status_code
    found["none"] = (await client.request(method, ASKED)).status_code

    assert found == {Role.AUDITOR: 200, Role.ADMINISTRATOR: 200, Role.OFFICER: 403, Role.SERVICE: 403, "none": 401}


async def test_what_asks_otherwise_is_not_answered_200(application, client):
    headers = {"Authorization": f"Bearer {await an_api_key(application, Role.AUDITOR)}"}
    for query in ("permission=everything", "permission=", "permission=audit:read&permission=stock:read", "role=x"):
        assert (await client.get(f"{PATH}?{query}", headers=headers)).status_code == 400, query
    assert (await client.options(ASKED, headers=headers)).status_code == 204
