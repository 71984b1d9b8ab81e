"""Deliveries in doubt over HTTP: decisions of people, and reports of vendors."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from config.container import Application
from config.sections.http import Http
from config.sections.section import Secret
from config.sections.servers import SQLite
from config.sections.vendors import Resilience, Twilio
from config.settings import Adapters, Settings
from core.notifications.delivery import Channel, Delivery, DeliveryState
from core.notifications.messages import DeliveryId
from tests.contract.servers.local_vendor import VendorBehaviour
from tests.contract.servers.twilio import TOKEN as LOCAL_TOKEN
from tests.contract.servers.twilio import LocalTwilio
from tests.contract.test_vendor_reports import PUBLIC, SID, TOKEN, signature, url
from tests.databases import DatabasePool
from tests.examples import a_delivery, a_student, a_submission, enrol
from tests.integration.test_http_api import Api, assert_problem, opened
from tests.units_of_work import any_work

DECISION = {"decision": "sent", "why": "the student showed it"}
FACTS = {"reference": "BF-1", "schedule_title": "Semester", "total": "₹500.00", "pay_by": None, "lines": []}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNKNOWN = "8f8bc084-03d7-48d7-b077-97706cbb8f70"


@pytest.fixture(params=["memory", "sqlite"])
async def api(request: pytest.FixtureRequest, tmp_path: Path, prepared: DatabasePool) -> AsyncIterator[Api]:
    chosen = Settings(
        adapters=Adapters(persistence=request.param),
        sqlite=SQLite(path=str(tmp_path / "bursar.db")),
        http=Http(public_url=PUBLIC),
        twilio=Twilio(auth_token=Secret(TOKEN)),
    )
    async with prepared.acquire(chosen) as settings, opened(settings) as api:
        yield api


async def store(application: Application, *deliveries: Delivery) -> None:
    async with any_work(application) as work:
        for delivery in deliveries:
            work.deliveries.add(delivery)
        await work.commit()


async def doubtful(api: Api, state: DeliveryState = DeliveryState.UNDECIDED) -> tuple[Delivery, str]:
    """Store a delivery in doubt, and return it with the URL of the fee it is about."""
    submission, submitted = a_submission()
    delivery = a_delivery(Channel.SMS, about=submission.id, state=state, reason="no answer from +919876543210")
    async with any_work(api.application) as work:
        work.submissions.add(submission)
        work.record(submitted)
        work.deliveries.add(delivery)
        await work.commit()
    return delivery, f"/v1/exam-fees/{submission.id}"


async def states(api: Api, delivery: Delivery) -> list[str]:
    """Return the states under which a delivery is listed."""
    found = []
    for state in DeliveryState:
        items = (await api("GET", "/v1/deliveries", params={"state": str(state)})).json()["items"]
        found += [str(state) for each in items if each["id"] == str(delivery.id)]
    return found


async def settle(api: Api, delivery: object, **changes: Any) -> httpx.Response:
    return await api("POST", f"/v1/deliveries/{delivery}/settlement", json=DECISION | changes)


def a_form(status: str) -> list[tuple[str, str]]:
    return [("MessageSid", SID), ("MessageStatus", status), ("To", "+919876543210"), ("Body", "शुल्क & more")]


async def report(api: Api, delivery: UUID, status: str = "delivered", **headers: bytes) -> httpx.Response:
    form = a_form(status)
    signed = {"X-Twilio-Signature": signature(form, url(DeliveryId(delivery))).encode()}
    path = f"/v1/deliveries/{delivery}/reports/twilio"
    return await api("POST", path, content=urlencode(form).encode(), headers=FORM | signed | headers)


async def test_undecided_deliveries_are_listed_without_addresses(api: Api) -> None:
    delivery, _ = await doubtful(api)
    page = (await api("GET", "/v1/deliveries")).json()

    [item] = page["items"]
    assert (item["id"], item["state"], item["channel"]) == (str(delivery.id), "undecided", "sms")
    assert (item["about"], item["reason"], page["next"]) == (str(delivery.about), "no answer from …", None)


async def test_pages_end(api: Api) -> None:
    await store(api.application, *(a_delivery(state=DeliveryState.UNDECIDED) for _ in range(5)))
    seen, after = set(), None
    for _ in range(3):
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = (await api("GET", "/v1/deliveries", params=query)).json()
        seen |= {each["id"] for each in page["items"]}
        after = page["next"]

    assert (len(seen), after) == (5, None)


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("state=lost", "$.state"),
        ("channel=fax", "$.channel"),
        ("from=yesterday", "$.from"),
        ("from=2026-11-20T00:00:00", "$.from"),
        ("from=0001-01-01T00:00:00%2B23:59", "$.from"),
        ("from=0.5", "$.from"),
        ("channel=null", "$.channel"),
        ("state=sent&state=unknown", "$.state"),
        ("after=1", "$.after"),
        ("limit=101", "$.limit"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused(api: Api, query: str, at: str) -> None:
    assert_problem(await api("GET", f"/v1/deliveries?{query}"), 400, "invalid", at)


@pytest.mark.parametrize(("decision", "state"), [("sent", "sent"), ("not-sent", "pending")])
@pytest.mark.parametrize("before", [DeliveryState.UNKNOWN, DeliveryState.UNDECIDED])
async def test_a_decision_is_made_once_and_stands_on_the_timeline(
    api: Api, before: DeliveryState, decision: str, state: str
) -> None:
    delivery, fee = await doubtful(api, before)
    answer = await settle(api, delivery.id, decision=decision)

    assert (answer.status_code, answer.json()["state"]) == (200, state)
    refused = assert_problem(await settle(api, delivery.id), 409, "delivery-settled")
    assert refused["facts"] == {"state": state}
    assert await states(api, delivery) == [state]
    [told] = [each for each in (await api("GET", fee)).json()["timeline"] if each["what"] == "sms settled"]
    assert re.fullmatch(rf"{decision}, says account:[0-9a-f-]{{36}}: the student showed it", told["detail"])


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "another answer": ({"decision": "perhaps"}, "$.decision"),
    "another author": ({"who": "Ravi Deshpande"}, "$.who"),
    "a header more": ({"why": "seen\r\nX-Admin: 1"}, "$.why"),
    "a novel": ({"why": "x" * 401}, "$.why"),
    "a number": ({"why": 7}, "$.why"),
    "another field": ({"state": "sent"}, "$.state"),
}


@pytest.mark.parametrize(("change", "at"), REFUSED.values(), ids=REFUSED)
async def test_a_decision_without_a_reason_or_with_an_author_is_refused(
    api: Api, change: dict[str, Any], at: str
) -> None:
    delivery, _ = await doubtful(api)

    assert_problem(await settle(api, delivery.id, **change), 400, "invalid", at)
    assert await states(api, delivery) == ["undecided"]


@pytest.mark.parametrize("name", [UNKNOWN, "9" * 10_000, "%00", "%F0%9F", "{id}", "x%0d%0aX-Admin:%201"])
async def test_a_delivery_that_is_not_there_is_not_found(api: Api, name: str) -> None:
    assert_problem(await settle(api, name), 404, "unknown-delivery")
    answer = await api("POST", f"/v1/deliveries/{name}/reports/twilio", content=b"a=b", headers=FORM)
    assert answer.status_code in (403, 404)


@pytest.mark.parametrize(
    ("status", "state"), [("queued", "sent"), ("sent", "sent"), ("delivered", "delivered"), ("undelivered", "bounced")]
)
async def test_a_signed_report_settles_what_was_in_doubt(api: Api, status: str, state: str) -> None:
    delivery, fee = await doubtful(api)

    assert (await report(api, delivery.id, status)).status_code == 204
    assert await states(api, delivery) == [state]
    [told] = [each for each in (await api("GET", fee)).json()["timeline"] if each["what"].startswith("sms ")]
    assert (told["vendor"], told["vendor_id"], told["detail"]) == ("twilio", SID, f"twilio says {status}")


async def test_a_report_that_comes_again_or_too_late_changes_nothing(api: Api) -> None:
    delivery, fee = await doubtful(api)
    await report(api, delivery.id, "delivered")
    before = (await api("GET", fee)).content
    for status in ("delivered", "sent", "undelivered", "delivered"):
        assert (await report(api, delivery.id, status)).status_code == 204

    assert await states(api, delivery) == ["delivered"]
    assert (await api("GET", fee)).content == before


async def test_a_report_with_another_signature_is_refused_and_changes_nothing(api: Api) -> None:
    delivery, _ = await doubtful(api)
    other, _ = await doubtful(api)
    of_other = signature(a_form("delivered"), url(other.id)).encode()
    for forged in (b"", b"x", "ü".encode(), of_other, b"A" * 8_000):
        answer = await report(api, delivery.id, **{"X-Twilio-Signature": forged})
        assert_problem(answer, 403, "forged-report")

    assert await states(api, delivery) == ["undecided"]


async def test_the_host_a_report_names_is_not_believed(api: Api) -> None:
    delivery, _ = await doubtful(api)
    form = [("MessageSid", SID), ("MessageStatus", "delivered")]
    path = f"/v1/deliveries/{delivery.id}/reports/twilio"
    signed = signature(form, f"https://evil.example.org{path}", TOKEN)
    host = {"Host": "evil.example.org", "X-Forwarded-Host": "evil.example.org", "X-Forwarded-Proto": "https"}
    headers = FORM | host | {"X-Twilio-Signature": signed}

    assert_problem(await api("POST", path, content=urlencode(form).encode(), headers=headers), 403, "forged-report")


async def test_a_signed_report_of_what_is_not_there_is_not_found(api: Api) -> None:
    assert_problem(await report(api, uuid4()), 404, "unknown-delivery")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"MessageSid", 400),
        (b"a=%ff", 400),
        (b"a=\xff", 400),
        (b"a=1&" * 200 + b"a=1", 400),
        (b"a=" + b"x" * 100_000, 413),
    ],
)
async def test_a_form_that_is_none_or_too_large_is_refused(api: Api, body: bytes, status: int) -> None:
    answer = await api("POST", f"/v1/deliveries/{uuid4()}/reports/twilio", content=body, headers=FORM)

    assert_problem(answer, status, "invalid" if status == 400 else "about:blank")


@pytest.mark.parametrize("kind", ["", "application/json", "multipart/form-data; boundary=x"])
async def test_a_report_is_a_form(api: Api, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = await api("POST", f"/v1/deliveries/{uuid4()}/reports/twilio", content=b"a=b", headers=headers)

    assert_problem(answer, 415)


async def test_twilio_is_told_where_to_report_and_what_it_reports_there_is_believed() -> None:
    server = LocalTwilio()
    await server.start()
    settings = Settings(
        adapters=Adapters(persistence="memory", sms=("twilio",)), http=Http(public_url=PUBLIC), **server.settings()
    )
    async with opened(settings) as api:
        await enrol(api.application, student := a_student())
        delivery = a_delivery(Channel.SMS, recipient=student.id, due_at=api.clock.now(), facts=FACTS)
        await store(api.application, delivery)
        await api.application.use_cases().dispatch.dispatch_deliveries(Channel.SMS)
        [taken] = server.taken
        [callback] = taken.extra["StatusCallback"]
        form = [("MessageSid", taken.id), ("MessageStatus", "delivered")]
        signed = {"X-Twilio-Signature": signature(form, callback, LOCAL_TOKEN)}
        path = urlsplit(callback).path
        answer = await api("POST", path, content=urlencode(form).encode(), headers=FORM | signed)

        assert (answer.status_code, answer.content) == (204, b"")
        assert await states(api, delivery) == ["delivered"]
    await server.stop()


async def test_after_a_lost_response_only_messages_unknown_to_twilio_are_resent() -> None:
    server = LocalTwilio()
    await server.start()
    adapters, hasty = Adapters(persistence="memory", sms=("twilio",)), Resilience(deadline_seconds=0.5)
    async with opened(Settings(adapters=adapters, resilience=hasty, **server.settings())) as api:
        api.clock.moment = datetime.now(UTC)  # the records of the server
        dispatch, sent = api.application.use_cases().dispatch, list[Delivery]()
        for number, behaviour in ((1, VendorBehaviour.HANG_UP), (2, VendorBehaviour.FALL_SILENT)):
            await enrol(api.application, student := a_student(number))
            sent.append(a_delivery(Channel.SMS, recipient=student.id, due_at=api.clock.now(), facts=FACTS))
            await store(api.application, sent[-1])
            server.behaviour = behaviour
            await dispatch.dispatch_deliveries(Channel.SMS)
        assert [await states(api, each) for each in sent] == [["unknown"]] * 2
        server.behaviour = VendorBehaviour.ACCEPT
        api.clock.pass_by(timedelta(hours=2))

        assert await dispatch.reconcile_deliveries() == {"found": 1, "absent": 1}
        await dispatch.dispatch_deliveries(Channel.SMS)
        assert [await states(api, each) for each in sent] == [["sent"]] * 2
        assert [taken.to for taken in server.taken] == ["+919800000001", "+919800000002"]
    await server.stop()
