"""Receipts on paper, read back: by PDFium as a reader of files does, and by ZXing as a telephone does."""

import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from statistics import median

import pypdfium2
import pytest
import zxingcpp

from adapters.typst.receipt_documents import TypstReceiptDocuments
from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.receipt import UnprintableReceipt

URL = "https://fees.example.org/v1/receipts/verify/Zk3-_aB9dE2fG5hJ8kL1mN"
ISSUED = datetime(2026, 11, 20, 12, 30, 5, 123456, tzinfo=UTC)
ENGLISH = PrintedReceipt(
    number="R-2026-27-000042",
    issuer="Examination Fee Office",
    name="Asha Kumari",
    registration="SU-2026-0001",
    reference="BF-7K3M-9QZ4-XA2B-C",
    schedule="neet-ug-2027",
    amount="₹1,500.00",
    words="Rupees One Thousand Five Hundred Only",
    method="upi",
    paid_at="2026-11-20 18:00:00 +05:30 (Asia/Kolkata)",
    issued_at="2026-11-20 18:00:05 +05:30 (Asia/Kolkata)",
    replaces="",
    void="",
)
HINDI = replace(ENGLISH, name="ऋचा श्रीवास्तव", words="एक हज़ार पाँच सौ रुपये मात्र")
LABELS = {"en": ("Receipt", "Received from", "In words"), "hi": ("रसीद", "भुगतानकर्ता", "शब्दों में")}


@pytest.fixture(scope="module")
def documents() -> TypstReceiptDocuments:
    return TypstReceiptDocuments()


def text_of(pdf: bytes) -> str:
    """Return the text of the only page; PDFium loses spaces behind some marks of Devanagari."""
    [page] = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_range().split())


def codes_of(pdf: bytes) -> list[str]:
    picture = pypdfium2.PdfDocument(pdf)[0].render(scale=2, grayscale=True)
    pixels = memoryview(bytes(picture.buffer)).cast("B", (picture.height, picture.stride))
    return [each.text for each in zxingcpp.read_barcodes(pixels)]


@pytest.mark.parametrize(("receipt", "language"), [(ENGLISH, "en"), (HINDI, "hi")], ids=["en", "hi"])
async def test_the_paper_shows_every_fact(
    documents: TypstReceiptDocuments, receipt: PrintedReceipt, language: str
) -> None:
    pdf = await documents.render(receipt, language, ISSUED, URL)

    text = text_of(pdf)
    for told in (*asdict(receipt).values(), *LABELS[language]):
        assert "".join(told.split()) in text
    assert codes_of(pdf) == [URL]


@pytest.mark.parametrize("language", ["en", "hi"])
async def test_a_receipt_of_a_restored_amount_names_the_void_one(
    documents: TypstReceiptDocuments, language: str
) -> None:
    restored = replace(ENGLISH if language == "en" else HINDI, replaces="R-2025-26-000007")

    assert "R-2025-26-000007" in text_of(await documents.render(restored, language, ISSUED, URL))


async def test_a_void_receipt_says_so(documents: TypstReceiptDocuments) -> None:
    void = replace(ENGLISH, void="2026-11-21 05:30:00 +05:30 (Asia/Kolkata): chargeback")

    pdf = await documents.render(void, "en", ISSUED, URL)

    assert text_of(pdf).count("VOID") == 2
    assert "chargeback" in text_of(pdf)
    assert "VOID" not in text_of(await documents.render(ENGLISH, "en", ISSUED, URL))


async def test_the_same_facts_give_the_same_bytes(documents: TypstReceiptDocuments) -> None:
    first = await documents.render(HINDI, "hi", ISSUED, URL)
    other = await documents.render(ENGLISH, "en", ISSUED, URL)

    assert await documents.render(HINDI, "hi", ISSUED, URL) == first != other
    assert await TypstReceiptDocuments().render(HINDI, "hi", ISSUED, URL) == first


async def test_without_a_public_address_there_is_no_code(documents: TypstReceiptDocuments) -> None:
    assert codes_of(await documents.render(ENGLISH, "en", ISSUED, "")) == []


@pytest.mark.parametrize("name", ["ஆஷா", "漢字", "Asha \U0001f600"])
async def test_a_character_without_a_glyph_is_refused(documents: TypstReceiptDocuments, name: str) -> None:
    with pytest.raises(UnprintableReceipt, match="R-2026-27-000042"):
        await documents.render(replace(ENGLISH, name=name), "en", ISSUED, URL)


@pytest.mark.parametrize("name", ["#panic()", "*bold* _x_ $x$ \\ @a <b> `c` //", '"; #read("/etc/passwd")'])
async def test_what_a_name_contains_is_text(documents: TypstReceiptDocuments, name: str) -> None:
    pdf = await documents.render(replace(ENGLISH, name=name), "en", ISSUED, URL)

    assert "".join(name.split()) in text_of(pdf)


@pytest.mark.alone
async def test_a_page_is_set_in_milliseconds(documents: TypstReceiptDocuments) -> None:
    took = []
    for number in range(30):
        began = time.perf_counter()
        await documents.render(replace(ENGLISH, registration=f"SU-{number}"), "en", ISSUED, f"{URL[:-2]}{number:02}")
        took.append(time.perf_counter() - began)

    assert median(took) < 0.1
