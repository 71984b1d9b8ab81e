"""Payments over HTTP: from the order to the paid fee, and what a payer, a gateway or a stranger can send."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.container import running
from config.sections.servers import SQLite
from config.sections.vendors import Sandbox
from config.settings import Adapters, Settings
from core.payments.pay_exam_fee import RETURN_PATH
from core.payments.payer import PayerOutcome
from entrypoints.messages.consumer import Consumer
from entrypoints.routes import ROUTES
from tests.applications import an_application
from tests.examples import StoppedClock
from tests.integration.test_http_api import JSON, OPEN, SUBMISSION, Api

ANOTHER_OFFICE = {
    "order": "01985b1e-7c00-7000-8000-000000000099",
    "gateway_order": "order_99",
    "id": "pay_99",
    "state": "captured",
    "minor": 1,
    "currency": "INR",
    "method": "card",
    "at": "2026-02-20T04:30:00+00:00",
}
"""A payment whose order is not stored here."""
NO_HEADERS: Mapping[str, str] = {}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class PayingApi(Api):
    """An office whose messages are processed when a test says so."""

    async def work(self) -> None:
        """Process what was recorded until nothing is new."""
        consume = Consumer(self.application.messaging.new_inbox, ROUTES, self.application.use_cases())
        history, seen = self.application.messaging.event_history(), -1
        while True:
            pages = [await history.page(context, None, 10_000) for context in ("fees", "payments")]
            messages = [each for page in pages for each in page]
            if len(messages) == seen:
                return
            seen = len(messages)
            await consume(messages)

    async def submitted(self, key: str = "one", schedule: str = SUBMISSION["schedule"]) -> str:
        """Submit a fee; return its reference."""
        reference: str = (await self.submit(SUBMISSION | {"schedule": schedule}, key=key)).json()["reference"]
        return reference

    async def is_cleared(self, schedule: str) -> bool:
        """Tell whether the only fee of a schedule is cleared."""
        [fee] = (await self("GET", f"/v1/clearance/{schedule}")).json()["items"]
        return bool(fee["cleared"])

    async def pay(
        self, reference: str, key: str = "pay-1", body: bytes = b"", headers: Mapping[str, str] = NO_HEADERS
    ) -> tuple[int, Any]:
        """Open a payment."""
        sent = {"Idempotency-Key": key, **headers}
        answer = await self("POST", f"/v1/exam-fees/{reference}/payments", headers=sent, content=body)
        return answer.status_code, answer.json()

    async def shown(self, reference: str) -> dict[str, Any]:
        shown: dict[str, Any] = (await self("GET", f"/v1/exam-fees/{reference}/payments")).json()
        return shown

    async def choose(self, opened: Any, outcome: str) -> int:
        """Choose an outcome on the page of the sandbox, and process what follows."""
        body = f"outcome={outcome}".encode()
        answer = await self("POST", opened["checkout"]["url"], content=body, headers=FORM)
        await self.work()
        return answer.status_code


@asynccontextmanager
async def paying_office(book: Path, database: Path | None = None) -> AsyncIterator[PayingApi]:
    """Open an office that collects at the sandbox."""
    adapters = Adapters(persistence="sqlite" if database else "memory", payments=("sandbox",))
    settings = Settings(
        adapters=adapters, sandbox=Sandbox(book_path=str(book)), sqlite=SQLite(path=str(database or "unused"))
    )
    application, clock = an_application(settings), StoppedClock(OPEN)
    application.process.clock.override(clock)
    async with running(application):
        await application.storage.migrate()
        api = PayingApi(application, clock)
        await api.provision()
        async with api.client:
            yield api


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PayingApi]:
    async with paying_office(tmp_path / "book.jsonl") as api:
        yield api


async def test_a_payer_pays_and_the_fee_is_paid_by_the_webhook(api: PayingApi) -> None:
    reference = await api.submitted()
    await api.work()
    status, opened = await api.pay(reference)

    assert (status, opened["state"], opened["amount"]["minor"]) == (201, "opened", 137_525)
    assert await api.choose(opened, "paid") == 200
    shown = await api.shown(reference)
    assert (shown["status"], shown["owed"]["minor"], len(shown["payments"])) == ("paid", 0, 1)


async def test_a_fee_that_was_submitted_a_moment_ago_is_paid_in_a_moment(api: PayingApi) -> None:
    reference = await api.submitted()

    answer = await api("POST", f"/v1/exam-fees/{reference}/payments", headers={"Idempotency-Key": "early"})

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["type"] == "urn:bursar:problem:not-charged-yet"


async def test_a_repeated_request_gets_the_same_order_and_another_one_is_told_not_to_pay_again(api: PayingApi) -> None:
    reference = await api.submitted()
    await api.work()
    first = await api.pay(reference, "same")

    assert await api.pay(reference, "same") == first
    status, problem = await api.pay(reference, "another")
    assert (status, problem["type"]) == (409, "urn:bursar:problem:payment-under-way")
    assert problem["detail"].startswith("do not pay again")
    assert problem["facts"]["state"] == "opened"


@pytest.mark.parametrize(
    ("outcome", "status", "payments", "returned"),
    [
        ("paid-twice", "paid", 2, 1),
        ("declined", "unpaid", 0, 0),
        ("slow", "pending", 0, 0),
        ("lost-answer", "unpaid", 0, 0),
        ("late-authorisation", "unpaid", 0, 0),
    ],
)
async def test_a_fee_shows_what_the_gateway_has_told(
    api: PayingApi, outcome: str, status: str, payments: int, returned: int
) -> None:
    reference = await api.submitted()
    await api.work()
    _, opened = await api.pay(reference)
    use_cases, order = api.application.use_cases(), opened["checkout"]["url"].rpartition("/")[2]
    now = [each for each in await use_cases.payments.pay_at_sandbox(order, PayerOutcome(outcome)) if not each.after]
    for each in [*now, *reversed(now)]:  # each comes twice, and in another order
        headers = dict(each.headers)
        answer = await api("POST", "/v1/payments/webhooks/sandbox", content=each.body, headers=headers)
        assert answer.status_code == 204
    await api.work()

    shown = await api.shown(reference)

    assert (shown["status"], len(shown["payments"])) == (status, payments)
    assert sum(len(each["refunds"]) for each in shown["payments"]) == returned


async def test_a_payment_whose_webhook_was_lost_is_found_after_five_minutes(api: PayingApi) -> None:
    reference = await api.submitted()
    await api.work()
    _, opened = await api.pay(reference)
    await api.choose(opened, "lost-answer")
    api.clock.pass_by(timedelta(minutes=5))

    assert await api.application.use_cases().payments.check_gateways() == 1
    await api.work()

    assert (await api.shown(reference))["status"] == "paid"


@pytest.mark.parametrize(
    ("gateway", "body", "headers", "status"),
    [
        ("sandbox", b"{}", {}, 403),
        ("sandbox", b"\xff" * 10, {"webhook-signature": "v1,AAAA"}, 403),
        ("sandbox", b"{}", {"webhook-id": "x" * 5_000, "webhook-timestamp": "9" * 100}, 403),
        ("stripe", b"{}", {}, 404),
        ("sandbox", b"x" * 300_000, {}, 413),
    ],
)
async def test_what_no_gateway_signed_changes_nothing(
    api: PayingApi, gateway: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = await api("POST", f"/v1/payments/webhooks/{gateway}", content=body, headers=JSON | headers)

    assert answer.status_code == status
    assert await api.application.messaging.event_history().page("payments", None, 10) == []


@pytest.mark.parametrize("data", [{}, {"order": "0197", "id": 1}, ANOTHER_OFFICE])
async def test_a_signed_webhook_that_cannot_be_applied_is_a_dead_letter_with_its_bytes(
    api: PayingApi, data: dict[str, Any]
) -> None:
    signed = api.application.gateways.sandbox_webhooks().sign("payment.captured", data, api.clock.now())
    answer = await api("POST", "/v1/payments/webhooks/sandbox", content=signed.body, headers=dict(signed.headers))
    await api.work()

    memory = api.application.storage.memory()
    [(letter, message)] = memory.dead_letters.values()
    assert (answer.status_code, letter.reason) == (204, "UnknownPayment" if data is ANOTHER_OFFICE else "Invalid")
    assert memory.webhooks[message.subject][0] == signed.body


@pytest.mark.parametrize("outcome", ["", "paid&outcome=", "free", "%00"])
async def test_the_page_of_the_sandbox_takes_its_own_words_only(api: PayingApi, outcome: str) -> None:
    reference = await api.submitted()
    await api.work()
    _, opened = await api.pay(reference)

    assert "Pay ₹1,375.25" in (await api("GET", opened["checkout"]["url"])).text
    assert await api.choose(opened, outcome) == 400
    assert (await api("GET", "/sandbox/unknown")).status_code == 404


async def test_the_page_after_the_payment_reads_and_changes_nothing(api: PayingApi) -> None:
    for method, body in (("GET", b""), ("POST", b"razorpay_payment_id=pay_1&status=captured")):
        answer = await api(method, f"{RETURN_PATH}?session_id=cs_1", content=body, headers=FORM)
        assert (answer.status_code, "do not pay again" in answer.text) == (200, True)


async def test_an_office_without_a_gateway_sends_payers_to_the_counter() -> None:
    settings = Settings(adapters=Adapters(persistence="memory"))
    application, clock = an_application(settings), StoppedClock(OPEN)
    application.process.clock.override(clock)
    async with running(application):
        api = PayingApi(application, clock)
        await api.provision()
        async with api.client:
            reference = await api.submitted()
            await api.work()
            status, problem = await api.pay(reference)
            page = await api("GET", "/sandbox/order_1")

    assert (status, problem["type"], page.status_code) == (409, "urn:bursar:problem:no-gateway", 404)


async def test_each_instalment_is_paid_by_an_order_and_only_the_late_one_is_fined(api: PayingApi) -> None:
    reference = await api.submitted(schedule="sahyadri-annual")
    await api.work()
    _, first = await api.pay(reference, "first")
    await api.choose(first, "paid")
    shown = await api.shown(reference)
    assert shown["status"] == "part-paid"
    assert [(each["amount"]["minor"], each["pay_by"], each["state"]) for each in shown["instalments"]] == [
        (2_110_020, "2026-03-31T18:30:00Z", "paid"),
        (1_582_515, "2026-08-31T18:30:00Z", "unpaid"),
        (1_582_515, "2027-01-31T18:30:00Z", "unpaid"),
    ]
    assert not await api.is_cleared("sahyadri-annual")

    for key, moment in (("second", datetime(2026, 9, 1, tzinfo=UTC)), ("third", datetime(2027, 1, 30, tzinfo=UTC))):
        api.clock.moment = moment
        _, opened = await api.pay(reference, key)
        await api.choose(opened, "paid")

    shown = await api.shown(reference)
    assert [each["amount"]["minor"] for each in shown["orders"]] == [2_110_020, 1_582_515 + 10_000, 1_582_515]
    assert [each["fined"]["minor"] for each in shown["instalments"]] == [0, 10_000, 0]
    assert (shown["status"], shown["owed"]["minor"]) == ("paid", 0)
    assert await api.is_cleared("sahyadri-annual")


async def test_a_payer_may_pay_all_instalments_at_once_and_never_names_an_amount(api: PayingApi) -> None:
    reference = await api.submitted(schedule="sahyadri-annual")
    await api.work()

    for body, headers, refusal in ((b'{"pay": "all", "amount": 1}', JSON, 400), (b"pay=all", FORM, 415)):
        status, _ = await api.pay(reference, "refused", body, headers)
        assert status == refusal
    status, opened = await api.pay(reference, "all", b'{"pay": "all"}', JSON)

    assert (status, opened["amount"]["minor"]) == (201, 5_275_050)
    await api.choose(opened, "paid")
    assert [each["state"] for each in (await api.shown(reference))["instalments"]] == ["paid"] * 3


@pytest.mark.parametrize("body", [b"", b"{}", b'{"pay": "due"}'])
async def test_without_instalments_a_payer_pays_the_whole(api: PayingApi, body: bytes) -> None:
    reference = await api.submitted()
    await api.work()

    status, opened = await api.pay(reference, body=body, headers=JSON if body else {})

    assert (status, opened["amount"]["minor"]) == (201, 137_525)
