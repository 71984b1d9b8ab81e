"""Receipts over HTTP: for the office by their number, for others by the code on the paper."""

from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pypdfium2
import pytest
import zxingcpp

from core.identity.roles import Role
from core.kernel.decisions import Decision
from tests.example_office import example_office
from tests.integration.admission import an_api_key
from tests.integration.test_http_api import Api

NUMBER = "R-2025-26-000001"


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


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.CLERK, Role.SERVICE])
async def test_a_number_shows_nothing_to_who_may_not_read_receipts(api: Api, role: Role) -> None:
    scope = {"centre": "SU-PUNE"} if role is Role.CLERK else {}
    if role is Role.CANDIDATE:
        student = await api.application.use_cases().students.find_student("SU-2026-0001")
        scope = {"student": student.id}
    key = await an_api_key(api.application, role, **scope)

    for path in (f"/v1/receipts/{NUMBER}", f"/v1/receipts/{NUMBER}/pdf"):
        assert (await api("GET", path, headers={"Authorization": f"Bearer {key}"})).status_code == 403
