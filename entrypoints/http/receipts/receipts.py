"""Receipts over HTTP: their facts and their paper, and the page to which the code on the paper leads."""

from dataclasses import asdict
from html import escape

from litestar import Controller, Response, get
from litestar.params import FromPath

from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.receipt import IssuedReceipt, ReceiptNumberText, VerificationCode
from core.use_cases import UseCases
from entrypoints.http.dependencies import Wired
from entrypoints.http.problems import problems

PDF_MEDIA_TYPE = "application/pdf"
PDF = {"schema": {"type": "string", "format": "binary"}}


class ReceiptsController(Controller):
    """Receipts."""

    path = "/v1/receipts"
    tags = ("Receipts",)

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
