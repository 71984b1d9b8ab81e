"""The roster format: CSV in UTF-8, whose first line names the columns."""

import codecs
import csv
import io
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from dataclasses import dataclass, field

from core.students.errors import UnreadableRoster

MAX_ROW_CHARACTERS = 64 * 1024
UNCLOSED_QUOTE = re.compile(r'(?:(?:"(?:[^"]|"")*+"[^,]*+|[^",][^,]*+|),)*+"(?:[^"]|"")*+\Z')
"""Matches a line that ends inside a quoted cell; a quote inside an unquoted cell is a plain character, as for `csv`."""


@dataclass(frozen=True, slots=True)
class RosterRow:
    """One row, the line of the file in which it begins, and its CSV fault if it has one."""

    line: int
    cells: list[str] = field(default_factory=list)
    problem: str = ""


async def read_rows(chunks: AsyncIterable[bytes]) -> AsyncIterator[RosterRow]:
    """Yield the rows of a file as its chunks arrive; raise `UnreadableRoster` if it is not UTF-8 text."""
    decoder, text, line = codecs.getincrementaldecoder("utf-8-sig")(), "", 1
    try:
        async for chunk in chunks:
            text += decoder.decode(chunk)
            *complete, text = split_records(text)
            for record in complete:
                check_row_length(record, line)
                if record.strip():
                    yield parse_record(record, line)
                line += record.count("\n")
            check_row_length(text, line)
        text += decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise UnreadableRoster(f"the roster is not UTF-8 text, after line {line}") from error
    if text.strip():
        yield parse_record(text, line)


def split_records(text: str) -> Iterator[str]:
    """Yield the records of a text with their line ends; the last one may be incomplete."""
    *lines, rest = text.split("\n")
    record, is_open = "", False
    for line in lines:
        record += line + "\n"
        is_open = UNCLOSED_QUOTE.match('"' + line if is_open else line) is not None
        if not is_open:
            yield record
            record = ""
    yield record + rest


def check_row_length(record: str, line: int) -> None:
    """Raise `UnreadableRoster` for a row that is longer than `MAX_ROW_CHARACTERS`."""
    if len(record) > MAX_ROW_CHARACTERS:
        raise UnreadableRoster(f"the row that begins in line {line} does not end; a quote may be missing")


def parse_record(record: str, line: int) -> RosterRow:
    """Read one record as CSV."""
    try:
        return RosterRow(line, next(csv.reader(io.StringIO(record), strict=True)))
    except csv.Error as error:
        return RosterRow(line, problem=f"not CSV: {error}")
