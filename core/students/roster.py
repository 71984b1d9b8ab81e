"""The roster format: CSV in UTF-8, as spreadsheets write it, whose first line names the columns."""

import asyncio
import csv
import re
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from core.kernel.text_chunks import decoded
from core.students.errors import UnreadableRoster

MAX_ROW_CHARACTERS = 64 * 1024
MAX_ROWS_BETWEEN_YIELDS = 128
"""Rows that are parsed before other tasks of the process run: a few milliseconds."""
DELIMITERS = ",;\t"
DELIMITER_LINE = re.compile(r'"?sep=(.)"?[\s,;]*', re.IGNORECASE)
"""Excel's own first line, which names the delimiter of the others."""
LINE_END = re.compile(r"\r\n|\n|\r")


class RosterRow(NamedTuple):
    """One row, the line of the file in which it begins, and its CSV fault if it has one."""

    line: int
    cells: Sequence[str] = ()
    problem: str = ""


async def read_rows(chunks: AsyncIterable[bytes], source: str = "the roster") -> AsyncIterator[RosterRow]:
    """Yield the rows of a file, which errors call `source`; raise `UnreadableRoster` if it is not UTF-8 text."""
    reader, count = RowReader(), 0
    async for text, is_last in decoded(chunks, source, UnreadableRoster):
        for row in reader.rows(text, is_last=is_last):
            count += 1
            if count % MAX_ROWS_BETWEEN_YIELDS == 0:
                await asyncio.sleep(0)
            if row is not None:
                yield row


class RowReader:
    """Splits text into rows as it arrives; the first line that is not empty decides the delimiter."""

    def __init__(self) -> None:
        self._line, self._rest, self._delimiter = 1, "", ""
        self._record, self._record_length = list[str](), 0
        """The lines of a row that is not complete: it has a line end in quotes."""

    def rows(self, text: str, *, is_last: bool) -> Iterator[RosterRow | None]:
        """Yield the rows that are complete with this text, and None for a line without a row."""
        self._rest += text
        begin = 0
        for end in LINE_END.finditer(self._rest):
            if end[0] == "\r" and end.end() == len(self._rest) and not is_last:
                break  # its LF may follow
            yield self._add_line(self._rest[begin : end.start()], end[0])
            begin = end.end()
        self._rest = self._rest[begin:]
        if is_last and (self._rest or self._record):
            self._add_line(self._rest, "")
            yield self._end_record() if self._record else None
        self._check_length(len(self._rest))

    def _add_line(self, line: str, end: str) -> RosterRow | None:
        if not self._delimiter and line.strip() and self._choose_delimiter(line):
            self._line += 1
            return None
        may_be_open = self._delimiter and (self._record or '"' in line)  # most lines have no quote, and cost no search
        is_open = may_be_open and self._unclosed.match(f'"{line}' if self._record else line)
        self._record.append(line + end)
        self._record_length += len(line) + len(end)
        self._check_length(0)
        return None if is_open or not end else self._end_record()

    def _choose_delimiter(self, line: str) -> bool:
        """Choose the delimiter, and tell whether the line only names it."""
        named = DELIMITER_LINE.fullmatch(line)
        self._delimiter = named[1] if named else max(DELIMITERS, key=line.count)
        end = re.escape(self._delimiter)
        # A quote inside an unquoted cell is a plain character, as for `csv`.
        cell = rf'\ *+(?:"(?:[^"]|"")*+"[^{end}]*+|[^"{end}][^{end}]*+|)'
        self._unclosed = re.compile(rf'(?:{cell}{end})*+\ *+"(?:[^"]|"")*+\Z')
        return named is not None

    def _end_record(self) -> RosterRow | None:
        record, line = "".join(self._record), self._line
        self._line += len(self._record)
        self._record, self._record_length = [], 0
        return parse_record(record, line, self._delimiter) if record.strip() else None

    def _check_length(self, more: int) -> None:
        if self._record_length + more > MAX_ROW_CHARACTERS:
            raise UnreadableRoster(f"the row that begins in line {self._line} does not end; a quote may be missing")


def parse_record(record: str, line: int, delimiter: str) -> RosterRow:
    """Read one record as CSV."""
    try:
        return RosterRow(line, next(csv.reader([record], delimiter=delimiter, skipinitialspace=True, strict=True)))
    except csv.Error as error:
        return RosterRow(line, problem=f"not CSV: {error}")
