"""Receipts as PDF, set by Typst."""

import asyncio
import re
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec
import segno
from typst import Compiler, Fonts, TypstError

from core.receipts.ports import ReceiptDocuments
from core.receipts.printed_receipt import PrintedReceipt
from core.receipts.receipt import UnprintableReceipt

FOLDER = Path(__file__).parent
ARCHIVABLE: Literal["a-2u"] = "a-2u"
"""PDF/A-2u (ISO 19005-2): every font is embedded, every text can be copied, and a missing glyph is an error."""
MASK = 2
"""One of eight patterns, each of which readers know; to choose the best takes longer than to set the page."""
MISSING_GLYPH = re.compile("the text .* could not be displayed")


class TypstReceiptDocuments(ReceiptDocuments):
    """Keeps one compiler with its fonts: to read these takes longer than many pages."""

    def __init__(self) -> None:
        self._template = (FOLDER / "receipt.typ").read_bytes()
        self._turn = asyncio.Lock()

    @cached_property
    def _compiler(self) -> Compiler:
        fonts = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FOLDER / "fonts"])
        return Compiler(font_paths=fonts, ignore_system_fonts=True)

    async def render(self, receipt: PrintedReceipt, language: str, issued_at: datetime, url: str) -> bytes:
        code = qr_code(url) if url else ""
        given = {"facts": receipt, "language": language, "url": url, "code": code}
        # A file, because with `sys_inputs` the compiler keeps nothing of an earlier page, and takes twice as long.
        files = {"main.typ": self._template, "given.json": msgspec.json.encode(given)}
        async with self._turn:
            return await asyncio.to_thread(self._compile, files, issued_at, receipt.number)

    def _compile(self, files: dict[str, bytes], issued_at: datetime, number: str) -> bytes:
        made_at = issued_at.replace(microsecond=0)
        try:
            made = self._compiler.compile(
                files,  # type: ignore[type-var]  # its stub knows single files only
                format="pdf",
                pdf_standards=ARCHIVABLE,
                timestamp=made_at,
            )
        except TypstError as error:
            if MISSING_GLYPH.search(str(error)):
                raise UnprintableReceipt(f"the receipt {number} cannot be printed: {error}") from error
            raise
        if not isinstance(made, bytes):
            raise TypeError("one document was expected")
        return made


def qr_code(url: str) -> str:
    """Return a picture in SVG, with the quiet zone that readers need."""
    return segno.make_qr(url, error="m", mask=MASK).svg_inline(svgclass=None, lineclass=None, omitsize=True)
