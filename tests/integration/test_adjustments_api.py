"""A corrected tariff over HTTP: counted by one person, decided by another, paid back or demanded."""

import tomllib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.container import running
from config.sections.vendors import Sandbox
from config.settings import Adapters, Settings
from core.identity.roles import Role
from tests.applications import an_application
from tests.examples import StoppedClock, ids
from tests.integration.admission import an_api_key
from tests.integration.test_http_api import OPEN, SHIPPED, assert_problem
from tests.integration.test_payments_api import PayingApi

CODE = "sahyadri-semester"


class TwoOfficers(PayingApi):
    """One office and two of its people."""

    async def begin(self) -> None:
        await self.provision()
        self.officers = [await an_api_key(self.application, Role.OFFICER) for _ in range(2)]

    async def by(self, officer: int, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.officers[officer]}", "Idempotency-Key": str(ids.new())}
        return await self(method, path, headers=headers, **more)

    async def correct(self, examination: int) -> dict[str, Any]:
        """Publish another price of the examination, of which students pay a half; have it priced and told."""
        document = tomllib.loads((SHIPPED / "schedules" / f"{CODE}.toml").read_text())
        document["rules"][1]["amount"] = examination
        use_cases = self.application.use_cases()
        await use_cases.fees.publish_fee_schedule(document)
        asked = (await self.by(0, "POST", f"/v1/fee-schedules/{CODE}/repricings")).json()
        await use_cases.fees.reprice_submissions()
        counted: dict[str, Any] = (await self.by(0, "GET", f"/v1/repricings/{asked['id']}")).json()
        start = {"confirm": counted["changes"], "why": "the board has corrected it"}
        started = await self.by(0, "POST", f"/v1/repricings/{asked['id']}/start", json=start)
        assert started.status_code == 200, started.text
        await use_cases.fees.reprice_submissions()
        await self.work()
        return counted

    async def tasks(self, state: str = "open") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.by(1, "GET", f"/v1/adjustments?state={state}")).json()["items"]
        return items

    async def decide(self, officer: int, task: str) -> httpx.Response:
        body = {"decision": "approve", "why": "as resolved"}
        answer = await self.by(officer, "POST", f"/v1/adjustments/{task}/decision", json=body)
        await self.work()
        return answer

    async def posted(self, reference: str) -> int:
        """Return what is owed by the statement of the ledger."""
        fee = (await self.by(1, "GET", f"/v1/exam-fees/{reference}")).json()
        account = f"candidate:{fee['student']}"
        statement = (await self.by(1, "GET", f"/v1/ledger/statements/{fee['id']}")).json()
        postings = [each for made in statement["transactions"] for each in made["postings"]]
        spelt = [(text(each["debit"]), text(each["credit"]), each["amount"]["minor"]) for each in postings]
        return sum(minor * ((debit == account) - (credit == account)) for debit, credit, minor in spelt)


def text(account: Any) -> str:
    return account if isinstance(account, str) else f"{account['kind']}:{account['name']}"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[TwoOfficers]:
    adapters = Adapters(persistence="memory", payments=("sandbox",))
    settings = Settings(adapters=adapters, sandbox=Sandbox(book_path=str(tmp_path / "book.jsonl")))
    application, clock = an_application(settings), StoppedClock(OPEN)
    application.process.clock.override(clock)
    async with running(application):
        api = TwoOfficers(application, clock)
        async with api.client:
            await api.begin()
            yield api


async def test_a_paid_fee_that_costs_less_now_is_paid_back_after_another_person_approved(api: TwoOfficers) -> None:
    reference = await api.submitted()
    await api.work()
    await api.choose((await api.pay(reference))[1], "paid")

    counted = await api.correct(60_000)

    assert (counted["state"], counted["figures"]["refunds"], counted["figures"]["refunded_minor"]) == (
        "counted",
        1,
        30_000,
    )
    (task,) = await api.tasks()
    assert (task["kind"], task["before"]["minor"], task["after"]["minor"]) == ("refund", 137_525, 107_525)
    assert_problem(await api.decide(0, task["adjustment"]), 409, "same-person")
    assert (await api.shown(reference))["due"]["minor"] == 137_525
    assert (await api.decide(1, task["adjustment"])).json()["state"] == "approved"

    await api.application.use_cases().payments.check_gateways()
    await api.work()
    shown = await api.shown(reference)
    (refund,) = shown["payments"][0]["refunds"]
    assert (refund["amount"]["minor"], refund["stage"], refund["cause"]) == (30_000, "settled", "surplus")
    assert (shown["status"], shown["due"]["minor"], shown["owed"]["minor"]) == ("paid", 107_525, 0)
    assert await api.posted(reference) == 0
    assert_problem(await api.decide(1, task["adjustment"]), 409, "already-decided")


async def test_a_paid_fee_that_costs_more_now_is_not_cleared_until_the_demand_is_paid(api: TwoOfficers) -> None:
    reference = await api.submitted()
    await api.work()
    await api.choose((await api.pay(reference))[1], "paid")
    await api.correct(180_000)
    (task,) = await api.tasks()

    assert task["kind"] == "demand"
    report = await api.by(
        1,
        "POST",
        "/v1/adjustments/decisions",
        json={"adjustments": [task["adjustment"], str(ids.new())], "decision": "approve", "why": "as resolved"},
    )
    await api.work()

    assert [each["state"] for each in report.json()["decided"]] == ["approved"]
    assert [each["problem"] for each in report.json()["refused"]] == ["urn:bursar:problem:unknown-adjustment"]
    shown = await api.shown(reference)
    assert (shown["status"], shown["owed"]["minor"], await api.posted(reference)) == ("part-paid", 30_000, 30_000)
    clearance = (await api.by(1, "GET", f"/v1/clearance/{CODE}")).json()["items"]
    assert [each["cleared"] for each in clearance] == [False]
    await api.choose((await api.pay(reference, "pay-2"))[1], "paid")
    shown = await api.shown(reference)
    assert (shown["status"], shown["owed"]["minor"], await api.posted(reference)) == ("paid", 0, 0)
    notices = [each.template for each in api.application.storage.memory().deliveries.values()]
    assert "fee_adjusted" in notices


async def test_bad_requests_change_nothing(api: TwoOfficers) -> None:
    assert_problem(
        await api.by(0, "POST", "/v1/fee-schedules/nowhere/repricings"), 404, "unknown-schedule", "$.schedule"
    )
    assert_problem(await api.by(0, "GET", f"/v1/repricings/{ids.new()}"), 404, "unknown-repricing")
    assert_problem(await api.decide(1, str(ids.new())), 404, "unknown-adjustment")
    for body in ({}, {"adjustments": [], "decision": "approve", "why": "x"}, {"adjustments": ["x"], "decision": "no"}):
        answer = await api.by(1, "POST", "/v1/adjustments/decisions", json=body)
        assert answer.status_code == 400, answer.text
    asked = (await api.by(0, "POST", f"/v1/fee-schedules/{CODE}/repricings")).json()
    early = await api.by(0, "POST", f"/v1/repricings/{asked['id']}/start", json={"confirm": 0, "why": "x"})
    assert_problem(early, 409, "repricing-not-ready")
