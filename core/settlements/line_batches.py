"""Batches of the lines of a settlement file, as its bytes arrive."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence

from core.kernel.text_chunks import decoded
from core.settlements.errors import UnreadableSettlement
from core.settlements.file_lines import BadLine, FileLine, LineReader
from core.settlements.mapping import Layout, SettlementMapping

MAX_RECORD_CHARACTERS = 64 * 1024
Line = FileLine | BadLine


async def line_batches(
    mapping: SettlementMapping, chunks: AsyncIterable[bytes], lines_per_batch: int
) -> AsyncIterator[Sequence[Line]]:
    """Yield the lines that move amounts; raise `UnreadableSettlement` for a file of another form."""
    reader, waiting = LineReader(mapping), list[Line]()
    async for block in blocks(chunks, quoted=mapping.layout is Layout.CSV):
        waiting += reader.lines(block)
        while len(waiting) >= lines_per_batch:
            yield waiting[:lines_per_batch]
            del waiting[:lines_per_batch]
    reader.end()
    if waiting:
        yield waiting


async def blocks(chunks: AsyncIterable[bytes], *, quoted: bool) -> AsyncIterator[str]:
    """Yield text that ends with a record: a line end within quotes ends none."""
    rest = ""
    async for text, is_last in decoded(chunks, "the file", UnreadableSettlement):
        rest += text
        end = len(rest) if is_last else rest.rfind("\n") + 1
        while not is_last and end and quoted and rest.count('"', 0, end) % 2:
            end = rest.rfind("\n", 0, end - 1) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > MAX_RECORD_CHARACTERS:
            raise UnreadableSettlement(
                f"a line has more than {MAX_RECORD_CHARACTERS} characters: is a quote not closed?"
            )
