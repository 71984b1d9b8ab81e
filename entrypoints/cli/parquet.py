"""Writes rows into a Parquet file; this module needs the extra `parquet`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from core.kernel.report import Minor, columns_of, program_names

ROWS_PER_GROUP = 50_000
MOMENT = pa.timestamp("us", tz="UTC")
TYPES: Mapping[Any, Any] = {
    str: pa.string(),
    int: pa.int64(),
    Minor: pa.int64(),
    date: pa.date32(),
    datetime: MOMENT,
    datetime | None: MOMENT,
}


class ParquetFile:
    """A file of rows of one form; a group of rows is in memory at a time."""

    def __init__(self, row: type[Any], file: IO[bytes]) -> None:
        """Write into a file that is open."""
        types = zip(program_names(row), columns_of(row).values(), strict=True)
        self._schema = pa.schema([(name, TYPES[kind]) for name, kind in types])
        self._writer, self._waiting = ParquetWriter(file, self._schema), list[Sequence[Any]]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows."""
        self._waiting.extend(rows)
        if len(self._waiting) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            columns = zip(*self._waiting, strict=True)
            arrays = [pa.array(each, field.type) for each, field in zip(columns, self._schema, strict=True)]
            self._writer.write_table(pa.table(arrays, schema=self._schema))
            self._waiting.clear()
