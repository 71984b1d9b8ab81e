"""Every operation of HTTP, tried by every role, and by clerks of the own and of another centre."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.identity.roles import PERMISSIONS, Role
from docs.generator.permissions import PERMISSION_BY_OPERATION
from entrypoints.http.document import EXAMPLES
from tests.example_office import OF_THE_CALLER, OF_THE_SECOND_FACTOR, example_office, send
from tests.integration.admission import an_api_key
from tests.integration.test_http_api import OPEN, Api

OF_EACH_FIELD = {"query"}
"""The use case behind each field of a GraphQL query needs its own permission."""
REGISTRATION, OWN, OTHER = "SU-2026-0001", "SU-PUNE", "DEL-014"
SUBMISSION = {"schedule": "sahyadri-semester", "registration": REGISTRATION}
READ_BY_AUDITORS = {"replayDeadLetters"}
"""Without `confirm`, as in its example, it only lists."""


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with example_office() as api:
        yield api


async def operations(api: Api) -> dict[str, tuple[str, str, dict[str, Any]]]:
    document = (await api("GET", "/docs/openapi.json")).json()
    return {
        each["operationId"]: (method, path, each)
        for path, item in document["paths"].items()
        for method, each in item.items()
    }


async def key_of(api: Api, role: Role, **scope: Any) -> str:
    if role is Role.CLERK:
        scope.setdefault("centre", OWN)
    if role is Role.CANDIDATE:
        student = await api.application.use_cases().students.find_student(REGISTRATION)
        scope["student"] = student.id
    return await an_api_key(api.application, role, **scope)


@pytest.mark.parametrize("role", Role)
async def test_an_operation_is_refused_exactly_to_the_roles_without_its_permission(api: Api, role: Role) -> None:
    documented = await operations(api)
    api.client.headers["Authorization"] = f"Bearer {await key_of(api, role)}"
    refused = set()
    for name in PERMISSION_BY_OPERATION:
        answer = await send(api, *documented[name])
        if '"urn:bursar:problem:not-permitted"' in answer.text:  # the rows of a batch are refused one by one
            refused.add(name)
        else:
            assert answer.status_code not in (401, 403), (name, answer.text)

    forbidden = {name for name, needed in PERMISSION_BY_OPERATION.items() if needed not in PERMISSIONS[role]}
    assert refused == forbidden - (READ_BY_AUDITORS if role is Role.AUDITOR else set())


async def test_without_a_valid_credential_only_open_operations_answer(api: Api) -> None:
    documented = await operations(api)
    api.client.headers["Authorization"] = "Bearer bursar_0000000000000000000000000000000000000000000000000000000000"
    for name in EXAMPLES:
        answer = await send(api, *documented[name])
        is_open = not documented[name][2]["security"]
        assert (answer.status_code != 401) is is_open, (name, answer.text)
    protected = {name for name, (_, _, operation) in documented.items() if operation["security"]}
    assert protected - PERMISSION_BY_OPERATION.keys() == OF_THE_CALLER | OF_THE_SECOND_FACTOR | OF_EACH_FIELD


@pytest.mark.parametrize(("centre", "status"), [(OWN, 200), (OTHER, 404)])
async def test_a_clerk_meets_the_records_of_the_own_centre_only(api: Api, centre: str, status: int) -> None:
    submitted = await api.submit(SUBMISSION, key="of-the-office")
    assert submitted.status_code == 201, submitted.text
    reference = submitted.json()["reference"]
    api.client.headers["Authorization"] = f"Bearer {await key_of(api, Role.CLERK, centre=centre)}"

    reading = [f"/v1/exam-fees/{reference}", f"/v1/students/{REGISTRATION}/exam-fees", f"/v1/students/{REGISTRATION}"]
    assert [(await api("GET", path)).status_code for path in reading] == [status] * 3
    quoted = await api("POST", "/v1/quotes", json=SUBMISSION)
    assert quoted.status_code == status, quoted.text
    rows = await api(
        "POST",
        "/v1/exam-fees:batch",
        content=b'{"key": "r1", "schedule": "sahyadri-semester", "registration": "SU-2026-0001"}\n',
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert rows.json()["status"] == {200: 409, 404: 404}[status]
    assert api.clock.now() == OPEN
