"""One-time codes over HTTP: what a client without a credential gets."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from config.container import Application
from config.sections.http import Limits
from tests.conformance import assert_documented
from tests.examples import a_student, enrol
from tests.integration.admission import http_app
from tests.unit.identity.harness import Office

pytestmark = pytest.mark.parametrize("stored_settings", ["memory", "sqlite"], indirect=True)
KNOWN, UNKNOWN = {"registration": "T-1"}, {"registration": "T-404"}


@pytest.fixture
async def client(stored: Application) -> AsyncIterator[httpx.AsyncClient]:
    await Office.over(stored).open()
    await enrol(stored, a_student(1))
    app = http_app(stored, keyed=False, limits=Limits(codes_per_minute=8))
    hooks = {"response": [assert_documented]}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://office", event_hooks=hooks
    ) as client:
        yield client


async def test_a_code_is_requested_and_tried_without_a_credential(
    stored: Application, client: httpx.AsyncClient
) -> None:
    asked = [await client.post("/v1/codes", json=each) for each in (KNOWN, UNKNOWN)]
    assert [each.status_code for each in asked] == [202, 202]
    assert {each.headers["cache-control"] for each in asked} == {"no-store"}
    assert {tuple(each.json()) for each in asked} == {("request", "expires_in")}

    request = asked[0].json()["request"]
    wrong = {"request": str(uuid4()), "code": "00000000"}
    refused = await client.post("/v1/sessions/code", json=wrong)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:bursar:problem:wrong-credentials")
    found = await stored.identity.secret_facts().find(UUID(request))
    signed_in = await client.post("/v1/sessions/code", json={"request": request, "code": found["code"]})
    assert (signed_in.status_code, signed_in.headers["cache-control"]) == (201, "no-store")
    token = {"Authorization": f"Bearer {signed_in.json()['access_token']}"}
    assert (await client.get("/v1/students/T-1/exam-fees", headers=token)).status_code == 200
    assert (await client.get("/v1/students/T-404/exam-fees", headers=token)).status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/codes", {"registration": ""}),
        ("/v1/codes", {"registration": "A" * 33}),
        ("/v1/codes", {"registration": "T-1\n"}),
        ("/v1/codes", {"email": "parent@example.org"}),
        ("/v1/sessions/code", {"request": "1", "code": "12345678"}),
        ("/v1/sessions/code", {"request": str(uuid4()), "code": "1234567"}),
        ("/v1/sessions/code", {"request": str(uuid4()), "code": "१२३४५६७८"}),
    ],
)
async def test_what_no_code_or_registration_can_be_is_refused(client: httpx.AsyncClient, path: str, body: dict) -> None:
    assert (await client.post(path, json=body)).status_code == 400


async def test_an_address_requests_and_tries_only_so_many_codes(client: httpx.AsyncClient) -> None:
    answers = [await client.post("/v1/codes", json={"registration": f"T-{each}"}) for each in range(9)]
    assert [each.status_code for each in answers] == [202] * 8 + [429]
    assert (await client.post("/v1/sessions/code", json={})).status_code == 429
