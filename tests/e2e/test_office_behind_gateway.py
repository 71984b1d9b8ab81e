"""One office behind each gateway: the story of a fee, who is let in, and a service that the office protects."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from config.container import Application, running
from config.sections.identity import Identity
from config.sections.section import Secret
from config.settings import Adapters, Settings
from core.identity.roles import Role
from core.kernel.authorization import SYSTEM, acting_as
from tests.e2e.gateways import KINDS, Kind, Setup, gateway, is_of_this_machine, required
from tests.e2e.small_server import OF_THE_GATEWAY, SmallServer
from tests.examples import StoppedClock, a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import served
from tests.unit.identity.harness import GOOD_PASSWORD, Office

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEE = {"schedule": "sahyadri-test", "registration": "T-1"}
FIGURES = "/prometheus/api/v1/query"
SAID = ("bursar-subject", "bursar-permissions", "bursar-centre", "bursar-student")


@dataclass(slots=True)
class Behind:
    """An office behind a gateway, and a client of the gateway."""

    kind: Kind
    application: Application
    client: httpx.AsyncClient
    prometheus: SmallServer
    asked: list[tuple[str, str]]
    """Each path that the gateway asked for on behalf of a client, and the last address that it told."""

    async def get(self, path: str, credential: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": credential, **headers})

    async def sign_in(self, role: Role = Role.OFFICER) -> dict[str, Any]:
        """Return the tokens of a new account that has signed in through the gateway, with an address that is forged."""
        body = {"login": f"login-{uuid4().hex}", "password": GOOD_PASSWORD}
        await Office(self.application, StoppedClock()).with_password(body["login"], role=role)
        answer = await self.client.post("/v1/sessions", json=body, headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.status_code == 201, answer.text
        tokens: dict[str, Any] = answer.json()
        return tokens


@asynccontextmanager
async def an_office(asked: list[tuple[str, str]]) -> AsyncIterator[tuple[Application, int]]:
    """Serve an office in memory that notes what it is asked."""
    identity = Identity(secret=Secret("the secret of an office behind a gateway"))
    settings = Settings(adapters=Adapters(persistence="memory"), identity=identity)
    async with running(Application(settings=settings)) as application:
        await publish(application, a_schedule())
        await enrol(application, a_student(1))
        await application.use_cases().identity.create_signing_key()
        app = http_app(application, keyed=False, trusted_proxies=1)

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] not in OF_THE_GATEWAY:
                forwarded = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode()
                asked.append((scope["path"], forwarded.rpartition(",")[2].strip()))
            await app(scope, receive, send)

        async with served(application, app=noting) as port:
            yield application, port


@pytest_asyncio.fixture(params=KINDS, scope="module", loop_scope="module")
async def running_behind(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Behind]:
    required(request)
    asked, prometheus, folder = list[tuple[str, str]](), SmallServer(), tmp_path_factory.mktemp(request.param)
    with ExitStack() as opened, acting_as(SYSTEM):
        opened.callback(prometheus.end)
        async with an_office(asked) as (application, port):
            setup = Setup((port,), prometheus=prometheus.port)
            front = gateway(request.param, folder, setup)
            url = (await asyncio.to_thread(opened.enter_context, front)).base_url
            async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                yield Behind(request.param, application, client, prometheus, asked)
            await asyncio.to_thread(opened.close)


@pytest.fixture
def behind(running_behind: Behind) -> Behind:
    """Return an office that nothing has been asked of."""
    running_behind.asked.clear()
    running_behind.prometheus.mend()
    return running_behind


def tampered(token: str) -> str:
    """Return a token with another signature."""
    head, claims, signature = token.split(".")
    return f"{head}.{claims}.{signature[:10]}{'AB'[signature[10] == 'A']}{signature[11:]}"


def with_head(token: str, **changes: str) -> str:
    """Return a token with another head; one that says `none` has no signature."""
    head, claims, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(head + "==")) | changes
    encoded = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    return f"{encoded}.{claims}.{'' if changed['alg'] == 'none' else signature}"


def expired(application: Application, token: str) -> str:
    """Return a token like another that was valid until a minute ago."""
    tokens, now = application.identity.access_tokens(), datetime.now(UTC).replace(microsecond=0)
    old = {"issued_at": now - timedelta(minutes=10), "expires_at": now - timedelta(minutes=1)}
    return tokens.issue(replace(tokens.verify(token), **old))


async def test_a_fee_is_submitted_and_read_by_a_session_and_by_an_api_key(behind: Behind) -> None:
    tokens = await behind.sign_in()
    credentials = f"Bearer {tokens['access_token']}", f"Bearer {await an_api_key(behind.application)}"
    sent: dict[str, Any] = {"json": FEE, "headers": {"Authorization": credentials[0], "Idempotency-Key": "1"}}

    first, again = await behind.client.post("/v1/exam-fees", **sent), await behind.client.post("/v1/exam-fees", **sent)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    for credential in credentials:
        read = await behind.get(f"/v1/exam-fees/{first.json()['reference']}", credential)
        assert (read.status_code, read.json()["reference"]) == (200, first.json()["reference"])


async def test_a_token_that_is_not_valid_is_refused_everywhere_and_by_envoy_itself(behind: Behind) -> None:
    token = (await behind.sign_in())["access_token"]
    wrong = [with_head(token, alg="none"), with_head(token, alg="HS256"), with_head(token, kid="another"), "a.b.c"]
    wrong += [tampered(token), expired(behind.application, token), "e30.e30.e30"]
    behind.asked.clear()

    answers = [await behind.get("/v1/fee-schedules", f"Bearer {each}") for each in wrong]
    assert [each.status_code for each in answers] == [401] * len(wrong)
    assert {each.headers["content-type"] for each in answers} == {"application/problem+json"}
    assert {each.json()["type"] for each in answers} == {"urn:bursar:problem:not-authenticated"}
    assert all(each.headers["www-authenticate"].startswith("Bearer") for each in answers)
    assert len(behind.asked) == {"traefik": len(wrong), "envoy": 0}[behind.kind]


async def test_what_is_no_access_token_is_judged_by_the_office(behind: Behind) -> None:
    tokens = await behind.sign_in()
    stale = f"Bearer {expired(behind.application, tokens['access_token'])}"
    key = await an_api_key(behind.application)
    behind.asked.clear()

    refused = [await behind.get("/v1/fee-schedules", each) for each in ("Bearer bursar_no", "Basic YTpi", "")]
    assert [each.status_code for each in refused] == [401] * 3
    assert (await behind.get("/v1/fee-schedules", f"bearer {key}")).status_code == 200
    body = {"refresh_token": tokens["refresh_token"]}
    refreshed = await behind.client.post("/v1/sessions/refresh", json=body, headers={"Authorization": stale})
    assert refreshed.status_code == 200, refreshed.text
    assert len(behind.asked) == 5


async def test_every_operation_without_a_credential_takes_a_stale_token_too(behind: Behind) -> None:
    stale = f"Bearer {expired(behind.application, (await behind.sign_in())['access_token'])}"
    document = (await behind.client.get("/docs/openapi.json")).json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path != "/metrics":
                answer = await behind.client.request(method, path, headers={"Authorization": stale})
                assert (answer.status_code == 401) == bool(operation["security"]), (method, path, answer.text)


async def test_the_end_of_a_session_is_known_within_a_second(behind: Behind) -> None:
    tokens = await behind.sign_in(Role.AUDITOR)
    credential = f"Bearer {tokens['access_token']}"
    assert (await behind.get(FIGURES, credential)).status_code == 200
    [own] = (await behind.get("/v1/sessions", credential)).json()["items"]
    assert is_of_this_machine(own["address"])
    ended = await behind.client.delete("/v1/sessions", headers={"Authorization": credential})
    assert ended.status_code == 204

    deadline = asyncio.get_running_loop().time() + 1.5
    while (await behind.get(FIGURES, credential)).status_code == 200:
        assert asyncio.get_running_loop().time() < deadline
    assert (await behind.get(FIGURES, credential)).status_code == 401


async def test_the_office_decides_who_reaches_another_service(behind: Behind) -> None:
    auditor = f"Bearer {await an_api_key(behind.application, Role.AUDITOR)}"
    officer = f"Bearer {await an_api_key(behind.application, Role.OFFICER)}"
    refused = {"none": "", "unknown": "Bearer bursar_no", "forged": "Bearer a.b.c", "without the permission": officer}
    forged = {"X-Forwarded-For": "203.0.113.7"}
    found = {name: (await behind.get(FIGURES, each, **forged)).status_code for name, each in refused.items()}
    assert found == {"none": 401, "unknown": 401, "forged": 401, "without the permission": 403}
    assert not behind.prometheus.heads
    assert all(path.startswith("/v1/principal") and is_of_this_machine(address) for path, address in behind.asked)

    for method in ("GET", "POST"):
        answer = await behind.client.request(method, FIGURES, headers={"Authorization": auditor})
        assert answer.status_code == 200, answer.text
    assert behind.prometheus.targets == ["/api/v1/query"] * 2


async def test_another_service_hears_of_the_principal_from_the_office_alone(behind: Behind) -> None:
    auditor = f"Bearer {await an_api_key(behind.application, Role.AUDITOR)}"
    forged = {
        name: "forged" for each in (*SAID, "bursar-roles") for name in (each, each.title(), each.replace("-", "_"))
    }
    answer = await behind.get(FIGURES, auditor, Cookie="__Host-bursar-session=secret", **forged)
    assert answer.status_code == 200

    [head] = behind.prometheus.heads
    assert head["bursar-subject"].startswith("account:")
    assert "audit:read" in head["bursar-permissions"].split(" ")
    assert (head["bursar-centre"], head["bursar-student"]) == ("", "")
    assert "forged" not in head.values()
    assert not {"authorization", "cookie"} & head.keys()


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_figures_of_the_office_stay_inside(behind: Behind, method: str) -> None:
    paths = (
        "/metrics",
        "//metrics",
        "/metrics/",
        "/%6detrics",
        "/./metrics",
        "/x/../metrics",
        "/%2Fmetrics",
        "/metrics%2F",
    )
    for path in paths:
        answer = await behind.client.request(method, httpx.URL(str(behind.client.base_url), raw_path=path.encode()))
        assert answer.status_code in (400, 404, 405), path
        assert "bursar_http" not in answer.text


async def test_a_timeline_over_web_socket_passes_the_gateway(behind: Behind) -> None:
    with acting_as(SYSTEM):
        await enrol(behind.application, a_student(2))
    credential = {"Authorization": f"Bearer {await an_api_key(behind.application)}"}
    fee, once = FEE | {"registration": "T-2"}, {"Idempotency-Key": uuid4().hex}
    stored = await behind.client.post("/v1/exam-fees", json=fee, headers=credential | once)
    gateway_url = str(behind.client.base_url).replace("http", "ws", 1).rstrip("/")
    path = f"{gateway_url}/v1/exam-fees/{stored.json()['id']}/timeline"

    async with asyncio.timeout(10), connect(path, additional_headers=credential, proxy=None) as timeline:
        assert json.loads(await timeline.recv())["what"] == "FeeSubmitted"
    with pytest.raises(InvalidStatus) as refused:
        await connect(path, proxy=None)
    assert refused.value.response.status_code == 401
