"""Receipts over HTTP: their facts and their paper, and the page to which the code on the paper leads."""

from dataclasses import asdict
from html import escape
from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from core.fees.names import Name
from core.kernel.decisions import Decision, Why
from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.receipt import IssuedReceipt, ReceiptNumberText, SeriesText, VerificationCode, YearText
from core.receipts.receipt_search import GREATEST_NUMBER, ReceiptPage, ReceiptSearch
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.media_types import json_only
from entrypoints.http.problems import problems
from entrypoints.http.query_parameters import DEFAULT_LIMIT, Limit

PDF_MEDIA_TYPE = "application/pdf"
PDF = {"schema": {"type": "string", "format": "binary"}}


class ReceiptVoiding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The reason to make a receipt void."""

    why: Why


class ReceiptsController(Controller):
    """Receipts."""

    path = "/v1/receipts"
    tags = ("Receipts",)

    @get("", operation_id="listReceipts", responses=problems(400, 404, 422, 503))
    async def list(
        self,
        use_cases: Wired[UseCases],
        fee: Annotated[str | None, QueryParameter(description="The id or reference of an exam fee")] = None,
        schedule: Annotated[Name | None, QueryParameter(description="Of the exam")] = None,
        series: Annotated[SeriesText | None, QueryParameter(description="By default that of the office")] = None,
        financial_year: Annotated[YearText | None, QueryParameter(description="By default the present one")] = None,
        first: Annotated[int, QueryParameter(ge=1, le=GREATEST_NUMBER, description="The least number")] = 1,
        last: Annotated[
            int, QueryParameter(ge=1, le=GREATEST_NUMBER, description="The greatest number")
        ] = GREATEST_NUMBER,
        before: Annotated[ReceiptNumberText | None, QueryParameter(description="`next` of the previous page")] = None,
        limit: Limit = DEFAULT_LIMIT,
    ) -> ReceiptPage:
        """List receipts, the newest first: those of a fee or a candidate, or those of one series and year."""
        search = ReceiptSearch(
            submission=(await use_cases.fees.show_exam_fee(fee)).id if fee is not None else None,
            schedule=schedule or "",
            series=series or "",
            year=financial_year or "",
            first=first,
            last=last,
        )
        return ReceiptPage.of(await use_cases.receipts.list_receipts(search, before=before, limit=limit + 1), limit)

    @post(
        "/{number:str}/void",
        operation_id="voidReceipt",
        status_code=200,
        before_request=json_only,
        responses=problems(400, 404, 409, 413, 415, 422, 503),
    )
    async def void(
        self, number: FromPath[ReceiptNumberText], data: JSONBody[ReceiptVoiding], use_cases: Wired[UseCases]
    ) -> IssuedReceipt:
        """Make a receipt void: its number stays, marked, and the payment stays as it is."""
        return await use_cases.receipts.void_receipt(number, Decision.of_caller(data.why))

    @get("/{number:str}", operation_id="showReceipt", responses=problems(400, 404, 503))
    async def show(self, number: FromPath[ReceiptNumberText], use_cases: Wired[UseCases]) -> IssuedReceipt:
        """Show the facts of a receipt, which never change, and whether it is void."""
        return await use_cases.receipts.show_receipt(number)

    @get(
        "/{number:str}/pdf",
        operation_id="printReceipt",
        media_type=PDF_MEDIA_TYPE,
        opt={"answer": PDF},
        responses=problems(400, 404, 409, 503),
    )
    async def pdf(self, number: FromPath[ReceiptNumberText], use_cases: Wired[UseCases]) -> Response[bytes]:
        """Print a receipt as PDF, in the language of its student; the same facts give the same bytes."""
        paper = await use_cases.receipts.print_receipt(number)
        named = {"Content-Disposition": f'inline; filename="{number}.pdf"'}
        return Response(paper, media_type=PDF_MEDIA_TYPE, headers=named)

    @get("/verify/{code:str}", open_to_all=True, include_in_schema=False, media_type="text/html")
    async def verify(self, code: FromPath[VerificationCode], use_cases: Wired[UseCases]) -> str:
        """Show what the paper says to who holds it."""
        return page(await use_cases.receipts.verify_receipt(code))


def page(receipt: PrintedReceipt) -> str:
    """Return a page without script and style, which the policy for browsers forbids."""
    facts = asdict(receipt)
    void = facts.pop("void")
    verdict = f"VOID since {void}" if void else "valid"
    rows = "".join(
        f"<tr><th align=left>{escape(name.replace('_', ' '))}</th><td>{escape(told)}</td></tr>"
        for name, told in facts.items()
        if told
    )
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Receipt</title>'
    shown = f"<h1>Receipt {escape(receipt.number)}</h1><p>This receipt is <b>{escape(verdict)}</b>.</p>"
    return f'<!doctype html><html lang="en">{head}{shown}<table>{rows}</table></html>'
