"""Passwords of a megabyte, 500 at once, while submissions go on."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
from dependency_injector import providers

from config.container import Application, running
from config.settings import Adapters, Settings
from tests.applications import an_application
from tests.examples import a_schedule, a_student, enrol, publish
from tests.integration.admission import an_api_key, http_app
from tests.integration.http_server import converse, post, served
from tests.unit.identity.harness import QuickHasher

ATTACKS = {1_000_000: 413, 60_000: 400, 1_025: 400}
"""The status by the bytes of a password."""
ATTACKERS, SUBMISSIONS = 500, 50


class CountingHasher(QuickHasher):
    """Counts what is hashed."""

    hashed = 0

    async def verify(self, password: str, stored: str | None) -> bool:
        self.hashed += 1
        return await super().verify(password, stored)


@pytest.fixture
async def application() -> AsyncIterator[Application]:
    async with running(an_application(Settings(adapters=Adapters(persistence="memory")))) as application:
        await publish(application, a_schedule())
        await enrol(application, *(a_student(number) for number in range(SUBMISSIONS)))
        yield application


async def test_long_passwords_are_refused_unhashed_and_submissions_go_on(application: Application) -> None:
    hasher = CountingHasher()
    application.identity.password_hasher.override(providers.Object(hasher))
    bodies = {size: b'{"login": "meenakshi", "password": "%s"}' % (b"x" * size) for size in ATTACKS}
    headers = {"Authorization": f"Bearer {await an_api_key(application)}"}

    async with (
        served(application, app=http_app(application, keyed=False)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client,
    ):

        async def attack(number: int) -> tuple[int, int]:
            size = list(ATTACKS)[number % len(ATTACKS)]
            [answer] = await converse(port, post("/v1/sessions", bodies[size], "Connection: close"))
            return size, answer.status

        async def submit(number: int) -> int:
            fee = {"schedule": "sahyadri-test", "registration": f"T-{number}"}
            answer = await client.post("/v1/exam-fees", json=fee, headers={"Idempotency-Key": str(number)})
            return answer.status_code

        attacking = asyncio.gather(*(attack(number) for number in range(ATTACKERS)))
        submitted = [await submit(number) for number in range(SUBMISSIONS)]
        answered = Counter(await attacking)

    assert submitted == [201] * SUBMISSIONS
    assert answered.total() == ATTACKERS
    assert {(size, status) for size, status in answered if status != 503} == set(ATTACKS.items())
    assert hasher.hashed == 0
