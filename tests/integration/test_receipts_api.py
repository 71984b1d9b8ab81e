"""Receipts over HTTP: for the office by their number, for others by the code on the paper."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from uuid import UUID

import pypdfium2
import pytest
import zxingcpp

from core.audit.ports import AuditFilter
from core.identity.roles import Role
from core.kernel.decisions import Decision
from core.kernel.money import Money
from core.receipts.receipt import ReceivedPayment
from tests.example_office import example_office
from tests.integration.admission import an_api_key
from tests.integration.test_http_api import OPEN, Api

NUMBER = "R-2025-26-000001"
PAID = ReceivedPayment(
    payment=UUID(int=0),
    submission=UUID(int=1),
    student=UUID(int=2),
    reference="BF-7K3M-9QZ4-XA2B-C",
    schedule="neet-ug-2026",
    amount=Money(150_000, "INR"),
    method="upi",
    paid_at=OPEN,
)


class Text(HTMLParser):
    """Collects the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture
async def api() -> AsyncIterator[Api]:
    async with example_office() as api:
        yield api


async def code_on_paper(api: Api) -> str:
    pdf = (await api("GET", f"/v1/receipts/{NUMBER}/pdf")).content
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=2, grayscale=True)
    pixels = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))
    [found] = zxingcpp.read_barcodes(pixels)
    public_url = api.application.settings().http.public_url
    assert found.text.startswith(f"{public_url}/v1/receipts/verify/")
    return str(found.text.removeprefix(public_url))


async def test_the_code_on_the_paper_leads_anyone_to_what_the_paper_says(api: Api) -> None:
    path = await code_on_paper(api)
    api.client.headers.pop("Authorization", None)

    answer = await api("GET", path, headers={"Authorization": ""})

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    told = Text(answer.text).parts
    assert {NUMBER, "₹1,500.00", "Rupees One Thousand Five Hundred Only", "valid", "BF-7K3M-9QZ4-XA2B-C"} <= set(told)
    shown = (await api("GET", f"/v1/receipts/{NUMBER}")).json()
    assert not any(shown[secret] in answer.text for secret in ("payment", "student", "submission", "code"))


async def test_the_page_says_that_a_receipt_is_void(api: Api) -> None:
    path = await code_on_paper(api)
    decision = Decision(who="Meera", why="<script>paid twice</script>")
    await api.application.use_cases().receipts.void_receipt(NUMBER, decision)

    page = (await api("GET", path)).text

    assert "VOID since 2026-02-20 10:00:00 +05:30 (Asia/Kolkata): <script>paid twice" in "".join(Text(page).parts)
    assert "<script>" not in page
    assert (await api("GET", f"/v1/receipts/{NUMBER}")).json()["void"]["reason"] == decision.why


@pytest.mark.parametrize("code", ["AAAAAAAAAAAAAAAAAAAAAA", "x", NUMBER, "%00", "a" * 3_000])
async def test_a_guessed_code_shows_nothing(api: Api, code: str) -> None:
    answer = await api("GET", f"/v1/receipts/verify/{code}")

    assert answer.status_code in (400, 404)
    assert "Rupees" not in answer.text


@pytest.mark.parametrize("number", ["R-2025-26-000002", "R", "r-2025-26-000001", "verify"])
async def test_an_unknown_number_is_not_found(api: Api, number: str) -> None:
    for path in (f"/v1/receipts/{number}", f"/v1/receipts/{number}/pdf"):
        answer = await api("GET", path)
        assert answer.status_code == 404, (path, answer.text)


async def test_a_number_shows_nothing_to_a_service_without_the_permission(api: Api) -> None:
    key = await an_api_key(api.application, Role.SERVICE)

    for path in ("/v1/receipts", f"/v1/receipts/{NUMBER}", f"/v1/receipts/{NUMBER}/pdf"):
        assert (await api("GET", path, headers={"Authorization": f"Bearer {key}"})).status_code == 403


async def test_an_officer_makes_a_receipt_void_once_and_is_named_in_the_audit(api: Api) -> None:
    path, why = f"/v1/receipts/{NUMBER}/void", {"why": "issued for the wrong candidate"}

    first = await api("POST", path, json=why)
    second = await api("POST", path, json=why)

    assert (first.status_code, first.json()["void"]["reason"]) == (200, why["why"])
    assert (second.status_code, second.json()["type"]) == (409, "urn:bursar:problem:receipt-voided")
    [listed] = (await api("GET", "/v1/receipts")).json()["receipts"]
    assert (listed["number"], listed["void"]["reason"]) == (NUMBER, why["why"])
    records = await api.application.audit.trail().newest(AuditFilter(action="void-receipt"), None, 10)
    [done] = [each for each in records if each.outcome == "done"]
    assert (done.target, done.reason) == (f"receipt/{NUMBER}", why["why"])


@pytest.mark.parametrize(("body", "status"), [({}, 400), ({"why": ""}, 400), ({"why": "x", "who": "me"}, 400)])
async def test_a_receipt_is_not_made_void_without_a_reason(api: Api, body: dict[str, str], status: int) -> None:
    assert (await api("POST", f"/v1/receipts/{NUMBER}/void", json=body)).status_code == status
    assert (await api("GET", f"/v1/receipts/{NUMBER}")).json()["void"] is None


async def test_receipts_are_listed_by_what_they_have_in_common(api: Api) -> None:
    issue = api.application.use_cases().receipts.issue_receipts
    for number in range(4):
        schedule = f"schedule-{number % 2}"
        await issue([replace(PAID, payment=UUID(int=number + 1), schedule=schedule, paid_at=api.clock.now())])
    await issue([replace(PAID, payment=UUID(int=99), paid_at=api.clock.now() + timedelta(days=60))])

    async def listed(query: str) -> list[int]:
        answer = await api("GET", f"/v1/receipts?{query}")
        assert answer.status_code == 200, answer.text
        return [int(each["number"][-6:]) for each in answer.json()["receipts"]]

    assert await listed("") == [5, 4, 3, 2, 1]
    assert await listed("schedule=schedule-1") == [5, 3]
    assert await listed("first=2&last=4") == [4, 3, 2]
    assert await listed("financial_year=2026-27") == [1]
    assert await listed("series=OTHER") == []
    assert (await api("GET", "/v1/receipts?fee=BF-0000")).status_code == 404
    pages, more = list[list[int]](), ""
    while more is not None:
        page = (await api("GET", f"/v1/receipts?limit=2{more}")).json()
        pages.append([int(each["number"][-6:]) for each in page["receipts"]])
        more = page["next"] and f"&before={page['next']}"
    assert pages == [[5, 4], [3, 2], [1]]
