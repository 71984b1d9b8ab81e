"""Rate limits of HTTP requests."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.container import Application, running
from config.sections.http import Limits
from config.settings import Adapters, Settings
from tests.applications import an_application
from tests.conformance import assert_documented
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app

FEE = {"schedule": "sahyadri-test", "registration": "T-1"}
OFFICE, HOME = "203.0.113.7", "198.51.100.9"
FEW = Limits(requests_per_minute=3, submissions_per_minute=2, sign_ins_per_minute=1)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    settings = Settings(adapters=Adapters(persistence="memory"))
    async with running(an_application(settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, a_student(1))
        yield application


@asynccontextmanager
async def client(application: Application, address: str = OFFICE, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = http_app(application, limits=FEW, keyed=False, **options)
    transport = httpx.ASGITransport(app, client=(address, 4711))
    hooks: Any = {"response": [assert_refusal_documented]}
    async with httpx.AsyncClient(transport=transport, base_url="http://office", event_hooks=hooks) as client:
        yield client


async def assert_refusal_documented(answer: httpx.Response) -> None:
    if answer.status_code == 429:
        await assert_documented(answer)


async def account(application: Application) -> dict[str, str]:
    """Return the credential of a new account."""
    return {"Authorization": f"Bearer {await an_api_key(application)}"}


async def statuses(client: httpx.AsyncClient, number: int, headers: Mapping[str, str] | None = None) -> list[int]:
    return [(await client.get("/v1/fee-schedules", headers=headers)).status_code for _ in range(number)]


async def test_a_request_over_the_limit_is_told_when_to_come_again(application: Application) -> None:
    asha = await account(application)
    async with client(application) as api:
        answers = [await api.get("/v1/fee-schedules", headers=asha) for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert {each.headers["RateLimit-Policy"] for each in answers} == {'"requests";q=3;w=60'}
    assert [each.headers["RateLimit"].split(";")[:2] for each in answers] == [
        ['"requests"', f"r={remaining}"] for remaining in (2, 1, 0, 0)
    ]
    assert 59 <= int(answers[3].headers["Retry-After"]) <= 66
    assert answers[3].headers["Content-Type"] == "application/problem+json"
    assert answers[3].json() == {
        "type": "urn:bursar:problem:rate-limited",
        "title": "Too many requests; the same request is accepted after `Retry-After` seconds.",
        "status": 429,
        "detail": "the limit `requests` allows 3 in 60 seconds",
        "trace_id": answers[3].headers["traceparent"].split("-")[1],
    }
    assert "X-Request-ID" in answers[3].headers


async def test_an_account_is_limited_wherever_it_is_and_others_at_its_address_are_not(application: Application) -> None:
    async with client(application) as office, client(application, HOME) as home:
        asha, bela = await account(application), await account(application)
        assert await statuses(office, 3, asha) + await statuses(home, 1, asha) == [200] * 3 + [429]
        assert await statuses(office, 3, bela) == [200] * 3
        assert await statuses(office, 4) == [401] * 3 + [429]
        assert await statuses(home, 1) == [401]


async def test_addresses_of_one_ipv6_network_share_a_limit(application: Application) -> None:
    async with client(application, "2001:db8:0:7::1") as one, client(application, "2001:db8:0:7:f::2") as other:
        assert await statuses(one, 2) + await statuses(other, 2) == [401] * 3 + [429]


async def test_a_header_that_a_client_writes_gives_it_no_other_address(application: Application) -> None:
    async with client(application) as direct:
        found = [await statuses(direct, 1, {"X-Forwarded-For": f"192.0.2.{number}"}) for number in range(4)]
        assert found == [[401]] * 3 + [[429]]
    async with client(application, "10.0.0.1", trusted_proxies=1) as proxy:
        spoofed = [await statuses(proxy, 1, {"X-Forwarded-For": f"192.0.2.{number}, {HOME}"}) for number in range(4)]
        assert spoofed == [[401]] * 3 + [[429]]
        assert await statuses(proxy, 1, {"X-Forwarded-For": f"{HOME}, 192.0.2.9"}) == [401]


async def test_submissions_have_a_limit_of_their_own_by_account(application: Application) -> None:
    clerk, colleague = await account(application), await account(application)
    async with client(application) as api:

        async def submit(who: dict[str, str], path: str = "/v1/exam-fees") -> httpx.Response:
            return await api.post(path, json=FEE, headers=who | {"Idempotency-Key": str(uuid4())})

        first, *more = [await submit(clerk) for _ in range(3)]
        assert [first.status_code, *(each.status_code for each in more)] == [201, 409, 429]
        assert first.headers["RateLimit-Policy"] == '"submissions";q=2;w=60'
        assert await statuses(api, 3, clerk) == [200] * 3
        assert (await submit(clerk, "http://office//v1/exam-fees/")).status_code == 429
        assert (await submit(colleague)).status_code == 409


@pytest.mark.parametrize(
    "path", ["/v1/sign-in/school", "//v1/sign-in/other/", "/v1/sign-in/school/callback", "/v1/sign-in/a%2Fb"]
)
async def test_a_route_with_a_parameter_has_its_own_limit(application: Application, path: str) -> None:
    async with client(application) as api:
        answers = [await api.get(f"http://office{path}") for _ in range(2)]

    assert [each.status_code for each in answers] == [answers[0].status_code, 429]
    assert answers[0].status_code in (401, 404)
    assert {each.headers["RateLimit-Policy"] for each in answers} == {'"sign-ins";q=1;w=60'}


async def test_each_row_of_a_batch_is_a_submission(application: Application) -> None:
    """Rows beyond the limit are answered 429; valid ones are submitted later, with the same keys."""
    clerk = await account(application)
    rows = [b'{"key": "r%d", "schedule": "sahyadri-test", "registration": "T-%d"}' % (n, n) for n in range(1, 4)]

    async with client(application) as api:

        async def send(*lines: bytes) -> httpx.Response:
            headers = clerk | {"Content-Type": "application/x-ndjson"}
            return await api.post("/v1/exam-fees:batch", content=b"\n".join(lines), headers=headers)

        first, second = await send(rows[0], rows[1], b"{}", rows[2]), await send(rows[2])
    outcomes = [json.loads(line) for line in first.text.splitlines()]

    assert [each["status"] for each in outcomes] == [201, 404, 400, 429]
    assert first.headers["RateLimit-Policy"] == '"submissions";q=2;w=60'
    assert first.headers["RateLimit"].startswith('"submissions";r=0;t=')
    assert outcomes[3]["problem"]["type"] == "urn:bursar:problem:rate-limited"
    assert 59 <= outcomes[3]["retry_after"] <= 66
    assert second.status_code == 429
    assert 59 <= int(second.headers["Retry-After"]) <= 66


async def test_monitoring_is_never_limited(application: Application) -> None:
    async with client(application) as api:
        for path in ("/health/started", "/health/live", "/health/ready", "/metrics"):
            for _ in range(5):
                answer = await api.get(path)
                assert answer.status_code != 429
                assert "RateLimit" not in answer.headers


async def test_asking_for_the_methods_of_a_route_is_one_request(application: Application) -> None:
    asha = await account(application)
    async with client(application) as api:
        answers = [await ask("/v1/fee-schedules", headers=asha) for ask in (api.options, api.head)]
    assert [each.headers["RateLimit"].split(";")[1] for each in answers] == ["r=2", "r=1"]
