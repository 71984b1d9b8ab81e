"""Authentication over HTTP: who acts by which credential, and that accounts share no idempotency keys."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from config.container import Application, running
from config.settings import Adapters, Settings
from core.audit.ports import AuditFilter
from core.identity.api_key import NewApiKey
from core.identity.roles import Role
from core.kernel.authorization import Permission
from entrypoints.http.middleware.admission import AdmissionControl
from entrypoints.http.submission_intents import IntentSigner
from tests.applications import an_application
from tests.conformance import assert_documented, document
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import converse, post, served

FEES = "/v1/exam-fees"
STUDENTS = 6


class Schools:
    """One office, and clients of two schools, each with an account and an API key."""

    def __init__(self, application: Application, keys: tuple[str, str]) -> None:
        self.application, self.keys = application, keys
        self.admission = AdmissionControl(IntentSigner(b"s" * 32, timedelta(minutes=15)), 100)
        self.app = http_app(application, admission=self.admission, keyed=False)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://office",
            event_hooks={"response": [assert_documented]},
        )

    async def send(self, school: int, path: str, body: Any, key: str = "1", **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.keys[school]}", "Idempotency-Key": key}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.client.post(path, content=content, headers={"Content-Type": "application/json"} | sent)


@pytest.fixture
async def schools() -> AsyncIterator[Schools]:
    async with running(an_application(Settings(adapters=Adapters(persistence="memory")))) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(1, STUDENTS)))
        made = Schools(application, (await an_api_key(application), await an_api_key(application, Role.SERVICE)))
        async with made.client:
            yield made


def fee(number: int) -> dict[str, Any]:
    return {"schedule": "sahyadri-test", "registration": f"T-{number}"}


def assert_refused(answer: httpx.Response) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (401, 401), answer.text
    assert problem["type"] == "urn:bursar:problem:not-authenticated"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


FORGED = {
    "none": [],
    "empty": [""],
    "a scheme alone": ["Bearer"],
    "an empty credential": ["Bearer "],
    "Basic": ["Basic YWRtaW46YWRtaW4="],
    "no scheme": ["{key}"],
    "two words": ["Bearer {key} {key}"],
    "two credentials in one": ["Bearer {key}, Bearer {key}"],
    "two headers": ["Bearer {key}", "Bearer {key}"],
    "another checksum": ["Bearer {key}0"],
    "cut": ["Bearer bursar_"],
    "another case": ["Bearer {other_case}"],
    "a token of no kind": ["Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."],
    "not ASCII": ["Bearer bursär"],
    "a tabulator": ["Bearer\t{key}"],
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
async def test_without_a_valid_credential_nothing_is_read_or_done(schools: Schools, headers: list[str]) -> None:
    key = schools.keys[0]
    given = [each.format(key=key, other_case=key.swapcase()).encode() for each in headers]

    async def unread() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    answer = await schools.client.post(FEES, content=unread(), headers=[(b"Authorization", each) for each in given])

    assert_refused(answer)
    assert key not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER "])
async def test_the_scheme_is_written_in_any_case(schools: Schools, scheme: str) -> None:
    answer = await schools.client.get("/v1/fee-schedules", headers={"Authorization": f"{scheme} {schools.keys[0]}"})

    assert answer.status_code == 200


async def test_every_operation_needs_a_credential_unless_the_document_says_otherwise(schools: Schools) -> None:
    open_operations = set()
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            answer = await schools.client.request(method, path.replace("{", "").replace("}", ""))
            if operation["security"]:
                assert_refused(answer)
            else:
                open_operations.add(f"{method} {path}")
                assert answer.status_code not in (401, 403), path

    assert open_operations == {
        "get /.well-known/jwks.json",
        "get /health/live",
        "get /health/ready",
        "get /health/started",
        "get /metrics",
        "post /v1/deliveries/{delivery}/reports/twilio",
        "post /v1/payments/webhooks/{gateway}",
        "post /v1/codes",
        "post /v1/passwords",
        "post /v1/sessions",
        "post /v1/sessions/code",
        "post /v1/sessions/refresh",
    }
    for path in ("/docs", "/docs/openapi.json", "/docs-assets/swagger_style.css"):
        assert (await schools.client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["//v1//fee-schedules/", "/v1/./fee-schedules", "/%76%31/fee-schedules", "/v1"])
async def test_another_spelling_of_a_path_opens_nothing(schools: Schools, path: str) -> None:
    answer = await schools.client.get(f"http://office{path}")

    assert answer.status_code in (401, 404)


async def test_a_credential_does_what_its_account_may(schools: Schools) -> None:
    auditor = {"Authorization": f"Bearer {await an_api_key(schools.application, Role.AUDITOR)}"}

    assert (await schools.client.get(f"{FEES}/BF-0000", headers=auditor)).status_code == 404
    refused = await schools.client.post(FEES, json=fee(1), headers=auditor | {"Idempotency-Key": "k"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:bursar:problem:not-permitted")


@pytest.mark.alone
async def test_a_revoked_key_is_refused_within_a_second(schools: Schools) -> None:
    assert (await schools.send(0, "/v1/quotes", fee(1))).status_code == 200
    identity = schools.application.use_cases().identity
    [revoked, _] = (await identity.list_api_keys(None, None, 2)).items
    await identity.revoke_api_key(revoked.id)
    began = asyncio.get_running_loop().time()

    async def refused() -> None:
        while (await schools.send(0, "/v1/quotes", fee(1))).status_code != 401:
            await asyncio.sleep(0.02)

    await asyncio.wait_for(refused(), 5)
    assert asyncio.get_running_loop().time() - began < 1.5
    assert (await schools.send(1, "/v1/quotes", fee(1))).status_code == 200


async def test_schools_that_number_their_requests_alike_do_not_meet(schools: Schools) -> None:
    sent = [
        (fee(1), fee(2)),
        ({"order": "A", "sku": "PEN", "quantity": 1}, {"order": "B", "sku": "PEN", "quantity": 2}),
    ]
    purchase = {"reference": "B-1", "sku": "PEN", "quantity": 10}
    assert (await schools.send(0, "/v1/batches", purchase, "other")).status_code == 201

    for path, bodies in zip((FEES, "/v1/allocations"), sent, strict=True):
        answers = [await schools.send(school, path, body) for school, body in enumerate(bodies)]
        again = [await schools.send(school, path, body) for school, body in enumerate(bodies)]

        assert [each.status_code for each in answers] == [201, 201], [each.text for each in answers]
        assert [each.content for each in again] == [each.content for each in answers]
        assert [each.headers["idempotency-replayed"] for each in again] == ["true", "true"]


async def test_the_receipt_of_a_school_is_not_given_to_another_for_the_same_request(schools: Schools) -> None:
    first, second = await schools.send(0, FEES, fee(1)), await schools.send(1, FEES, fee(1))

    assert (first.status_code, second.status_code) == (201, 409)
    assert second.json()["type"] == "urn:bursar:problem:fee-already-submitted"


async def test_an_account_without_the_permission_gets_a_403_and_not_its_stored_answer(schools: Schools) -> None:
    row = json.dumps(fee(2) | {"key": "1"}).encode()
    requests: list[tuple[str, Any, dict[str, str]]] = [
        (FEES, fee(1), {}),
        (f"{FEES}:batch", row, {"Content_Type": "application/x-ndjson"}),
        ("/v1/batches", {"reference": "B-1", "sku": "PEN", "quantity": 10}, {}),
        ("/v1/allocations", {"order": "A", "sku": "PEN", "quantity": 1}, {}),
        ("/v1/shipments", {"order": "A", "everything": True}, {}),
    ]
    done = [await schools.send(0, path, body, **headers) for path, body, headers in requests]
    assert [each.status_code for each in done] == [201, 200, 201, 201, 201], [each.text for each in done]

    identity = schools.application.use_cases().identity
    account = (await identity.authenticate_api_key(schools.keys[0])).account
    assert account
    asked = NewApiKey(account=account, name="reader", permissions=(Permission.SUBMISSIONS_READ,))
    schools.keys = ((await identity.create_api_key(asked)).credential, schools.keys[1])
    refused = [await schools.send(0, path, body, **headers) for path, body, headers in requests]

    assert [each.json()["status"] for each in refused] == [403] * len(requests), [each.text for each in refused]
    assert not any("idempotency-replayed" in each.headers or "replayed" in each.text for each in refused)
    records = await schools.application.audit.trail().newest(AuditFilter(outcome="not-permitted"), None, 20)
    assert sorted(each.action for each in records) == [
        "create-batch", "ship-order", "stock:write", "submissions:write", "submissions:write",
    ]  # fmt: skip


async def test_rows_of_two_schools_do_not_meet(schools: Schools) -> None:
    files = [
        b"".join(json.dumps(fee(number) | {"key": str(row)}).encode() + b"\n" for row, number in enumerate(numbers))
        for numbers in ((1, 2), (3, 4))
    ]
    answers = [
        await schools.send(school, f"{FEES}:batch", file, Content_Type="application/x-ndjson")
        for school, file in enumerate(files)
    ]
    outcomes = [json.loads(line) for answer in answers for line in answer.text.splitlines()]

    assert [(each["key"], each["status"]) for each in outcomes] == [("0", 201), ("1", 201)] * 2
    assert {each.get("replayed", False) for each in outcomes} == {False}


async def test_the_intent_of_one_account_is_not_that_of_another(schools: Schools) -> None:
    schools.admission.in_flight = 100
    rejected = await schools.send(0, FEES, fee(1))
    schools.admission.in_flight = 0
    intent = rejected.headers["submission-intent"]

    stolen = await schools.send(1, FEES, fee(1), Submission_Intent=intent)
    own = await schools.send(0, FEES, fee(1), Submission_Intent=intent)

    assert (stolen.status_code, stolen.json()["type"]) == (422, "urn:bursar:problem:invalid-intent")
    assert own.status_code == 201


async def test_a_stranger_is_refused_before_admission_is_decided(schools: Schools) -> None:
    schools.admission.in_flight = 100

    assert_refused(await schools.client.post(FEES, json=fee(1), headers={"Idempotency-Key": "k"}))


async def test_a_megabyte_of_credential_is_too_large(schools: Schools) -> None:
    header = f"Authorization: Bearer {schools.keys[0] * 13_000}"
    async with served(schools.application, app=schools.app) as port:
        [answer] = await converse(port, post(FEES, b"{}", header))

    assert answer.status == 431


async def test_under_overload_a_stranger_gets_no_intent(schools: Schools) -> None:
    schools.admission.in_flight = 100
    body = json.dumps(fee(1)).encode()
    async with served(schools.application, app=schools.app, admission=schools.admission) as port:
        for credential in ("", f"Authorization: Bearer {schools.keys[0].swapcase()}"):
            headers = ["Idempotency-Key: k", "Connection: close", *filter(None, [credential])]
            [answer] = await converse(port, post(FEES, body, *headers))
            assert answer.status == 401


async def test_the_last_use_of_a_key_is_recorded(schools: Schools) -> None:
    identity = schools.application.use_cases().identity
    assert (await schools.send(0, "/v1/quotes", fee(1))).status_code == 200

    async def uses() -> list[Any]:
        return [key.used_at for key in (await identity.list_api_keys(None, None, 2)).items]

    async with asyncio.timeout(5):
        while (await uses())[0] is None:
            await asyncio.sleep(0.01)
    assert (await uses())[1] is None
