"""What a candidate and a clerk read of a fee that is paid: payments, receipt, paper and statement."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.identity.roles import Role
from core.kernel.decisions import Decision
from tests.integration.admission import an_api_key
from tests.integration.test_payments_api import PayingApi, paying_office

OWN, OTHER = "SU-2026-0001", "SU-2026-0003"
"""Two candidates of one centre."""


@dataclass(frozen=True, slots=True)
class PaidFee:
    """A fee with its papers."""

    reference: str
    number: str
    papers: tuple[str, ...]


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[PayingApi]:
    async with paying_office(tmp_path / "book.jsonl") as api:
        yield api


async def paid(api: PayingApi, registration: str) -> PaidFee:
    """Submit a fee and pay it."""
    body = {"schedule": "sahyadri-semester", "registration": registration}
    submitted = (await api.submit(body, key=registration)).json()
    reference, submission = submitted["reference"], submitted["id"]
    await api.work()
    _, opened = await api.pay(reference, key=f"pay-{registration}")
    assert await api.choose(opened, "paid") == 200
    [receipt] = (await api("GET", f"/v1/receipts?fee={reference}")).json()["receipts"]
    number = receipt["number"]
    assert receipt["reference"] == reference
    paths = (f"/v1/exam-fees/{reference}/payments", f"/v1/receipts/{number}", f"/v1/receipts/{number}/pdf")
    return PaidFee(reference, number, (*paths, f"/v1/ledger/statements/{submission}"))


async def key_of(api: PayingApi, role: Role, **scope: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {await an_api_key(api.application, role, **scope)}"}


async def statuses(api: PayingApi, fee: PaidFee, headers: dict[str, str]) -> list[int]:
    return [(await api("GET", path, headers=headers)).status_code for path in fee.papers]


async def test_a_candidate_reads_the_own_papers_and_those_of_no_one_else(api: PayingApi) -> None:
    own, other = await paid(api, OWN), await paid(api, OTHER)
    student = await api.application.use_cases().students.find_student(OWN)
    key = await key_of(api, Role.CANDIDATE, student=student.id)

    assert await statuses(api, own, key) == [200] * 4
    assert await statuses(api, other, key) == [404] * 4
    listed = (await api("GET", "/v1/receipts", headers=key)).json()
    assert [each["number"] for each in listed["receipts"]] == [own.number]
    assert (await api("GET", f"/v1/receipts?fee={other.reference}", headers=key)).status_code == 404

    assert (await api("GET", own.papers[2], headers=key)).content.startswith(b"%PDF-")
    [charge, payment] = (await api("GET", own.papers[3], headers=key)).json()["transactions"]
    assert [charge["kind"], payment["kind"]] == ["charge", "payment"]


async def test_a_candidate_voids_no_receipt_and_reads_no_balance(api: PayingApi) -> None:
    own = await paid(api, OWN)
    student = await api.application.use_cases().students.find_student(OWN)
    key = await key_of(api, Role.CANDIDATE, student=student.id)

    voided = await api("POST", f"/v1/receipts/{own.number}/void", json={"why": "mine"}, headers=key)
    balance = await api("GET", f"/v1/ledger/balances/candidate:{student.id}", headers=key)

    assert (voided.status_code, balance.status_code) == (403, 403)


@pytest.mark.parametrize(("centre", "status"), [("SU-PUNE", 200), ("DEL-014", 404)])
async def test_a_clerk_reads_the_papers_of_the_own_centre(api: PayingApi, centre: str, status: int) -> None:
    fee = await paid(api, OWN)
    key = await key_of(api, Role.CLERK, centre=centre)

    assert await statuses(api, fee, key) == [status] * 4
    assert (await api("GET", f"/v1/receipts?fee={fee.reference}", headers=key)).status_code == status


async def test_a_clerk_lists_the_receipts_of_one_fee_at_a_time(api: PayingApi) -> None:
    await paid(api, OWN)

    answer = await api("GET", "/v1/receipts", headers=await key_of(api, Role.CLERK, centre="SU-PUNE"))

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:bursar:problem:fee-not-named")


async def test_the_papers_of_an_erased_student_are_left_to_the_office(api: PayingApi) -> None:
    fee = await paid(api, OWN)
    clerk = await key_of(api, Role.CLERK, centre="SU-PUNE")
    await api.application.use_cases().students.erase_student(OWN, Decision(who="Meera", why="on request"))

    assert (await statuses(api, fee, clerk))[1:] == [404] * 3
    assert [(await api("GET", path)).status_code for path in fee.papers[1:]] == [200] * 3
