from dataclasses import asdict

import pytest

from core.receipts.printed_receipt import MASK, NOTHING, Payer, PrintedReceipt
from core.receipts.receipt import UnknownReceipt
from core.receipts.receipt_search import ReceiptSearch
from tests.applications import an_application
from tests.contract.test_receipts import a_payment
from tests.examples import a_student, enrol, ids


@pytest.mark.parametrize(
    ("name", "registration", "shown"),
    [
        ("Asha Kumari", "SU-2026-0001", ("A*** K***", "***001")),
        ("आशा कुमारी", "T-1", ("आ*** कु***", "***")),
        ("é́x", "123456", ("é́***", "***")),
    ],
)
async def test_the_verification_page_tells_no_stranger_who_paid(
    name: str, registration: str, shown: tuple[str, str]
) -> None:
    application = an_application()
    receipts, student = application.use_cases().receipts, a_student(name=name, registration=registration)
    await enrol(application, student)
    paid = a_payment(student=student.id)
    await receipts.issue_receipts([paid])
    [receipt] = await receipts.list_receipts(ReceiptSearch(submission=paid.submission))

    page = await receipts.verify_receipt(receipt.code)

    paper = PrintedReceipt.of(receipt, Payer(name=name, registration=registration, language="en"), "en")
    assert (page.name, page.registration) == shown
    assert {key: value for key, value in asdict(page).items() if MASK not in value} == {
        key: value for key, value in asdict(paper).items() if key not in ("name", "registration")
    }


async def test_a_receipt_outlives_the_erasure_of_its_student() -> None:
    receipts, paid = an_application().use_cases().receipts, a_payment()
    await receipts.issue_receipts([paid])
    [receipt] = await receipts.list_receipts(ReceiptSearch(submission=paid.submission))

    page = await receipts.verify_receipt(receipt.code)

    assert (page.name, page.registration, page.number) == (NOTHING, NOTHING, receipt.number)


@pytest.mark.parametrize("code", ["", "short", "A" * 22, "R-2026-27-000001"])
async def test_a_code_that_no_paper_has_shows_nothing(code: str) -> None:
    receipts = an_application().use_cases().receipts
    await receipts.issue_receipts([a_payment(payment=ids.new())])

    with pytest.raises(UnknownReceipt):
        await receipts.verify_receipt(code)
