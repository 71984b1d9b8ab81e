"""A roster as schools send it: CSV in UTF-8, with a first line that names the columns."""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field

from core.students.errors import UnreadableRoster

LONGEST_ROW = 64 * 1024
OPEN = re.compile(r'(?:(?:"(?:[^"]|"")*+"[^,]*+|[^",][^,]*+|),)*+"(?:[^"]|"")*+\Z')
"""A line that ends inside a quoted cell.  Quotes inside unquoted cells are only letters, as for `csv`."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row, the line of the file it begins in, and what is wrong with it as CSV."""

    line: int
    cells: list[str] = field(default_factory=list)
    problem: str = ""


async def rows(chunks: AsyncIterable[bytes]) -> AsyncIterator[Row]:
    """Return the rows of a file as its bytes come in; raise `UnreadableRoster` if it is not UTF-8 text."""
    decoder, text, line = codecs.getincrementaldecoder("utf-8-sig")(), "", 1
    try:
        async for chunk in chunks:
            text += decoder.decode(chunk)
            *complete, text = records(text)
            for record in complete:
                refuse_endless(record, line)
                if record.strip():
                    yield from_record(record, line)
                line += record.count("\n")
            refuse_endless(text, line)
        text += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnreadableRoster(f"the roster is not UTF-8 text, after line {line}") from error
    if text.strip():
        yield from_record(text, line)


def records(text: str) -> Iterator[str]:
    """Split text into records, each with its line ends; the last is what may still be incomplete."""
    *lines, rest = text.split("\n")
    record, is_open = "", False
    for line in lines:
        record += line + "\n"
        is_open = OPEN.match('"' + line if is_open else line) is not None
        if not is_open:
            yield record
            record = ""
    yield record + rest


def refuse_endless(record: str, line: int) -> None:
    """Raise `UnreadableRoster` for a row that is longer than any."""
    if len(record) > LONGEST_ROW:
        raise UnreadableRoster(f"the row that begins in line {line} does not end; a quote may be missing")


def from_record(record: str, line: int) -> Row:
    """Read one record as CSV."""
    try:
        return Row(line, next(csv.reader(io.StringIO(record), strict=True)))
    except csv.Error as error:
        return Row(line, problem=f"not CSV: {error}")
