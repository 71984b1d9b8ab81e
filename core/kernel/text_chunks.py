"""Text files that arrive in chunks of bytes."""

from codecs import utf_8_decode
from collections.abc import AsyncIterable, AsyncIterator

from core.kernel.errors import Invalid
from core.kernel.text import BYTE_ORDER_MARK, encoding_fault, is_utf16


async def decoded(
    chunks: AsyncIterable[bytes], source: str, unreadable: type[Invalid]
) -> AsyncIterator[tuple[str, bool]]:
    """Yield the text of chunks, the last one with True; raise `unreadable` after the text before a bad byte.

    A byte order mark is no text; `source` begins the sentence about the fault.
    """
    rest, bytes_before, lines_before = b"", 0, 0

    def decode(content: bytes, *, is_last: bool) -> tuple[str, int, str]:
        try:
            return *utf_8_decode(content, "strict", is_last), ""
        except UnicodeDecodeError as error:
            fault = encoding_fault(content, error.start, bytes_before=bytes_before, lines_before=lines_before)
            return content[: error.start].decode(), error.start, fault

    async for chunk in chunks:
        content = rest + chunk
        if not bytes_before:
            content = content.removeprefix(BYTE_ORDER_MARK)
            if is_utf16(content):
                raise unreadable(f"{source} {encoding_fault(content, 0)}")
        text, used, fault = decode(content, is_last=False)
        yield text, False
        if fault:
            raise unreadable(f"{source} {fault}")
        rest, bytes_before, lines_before = content[used:], bytes_before + used, lines_before + text.count("\n")
    text, _, fault = decode(rest, is_last=True)
    yield text, not fault
    if fault:
        raise unreadable(f"{source} {fault}")
