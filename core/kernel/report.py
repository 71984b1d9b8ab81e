"""Reports: any number of rows of one form, made page by page while they are written."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Generic, NewType, TypeVar, get_type_hints

from core.kernel.csv_cells import Cell, csv_lines
from core.kernel.currencies import decimal_places

Minor = NewType("Minor", int)
"""An amount in minor units of the `currency` of its row."""
R = TypeVar("R", bound=tuple[Any, ...])
AMOUNT_SUFFIX = "_minor"
"""Ends the name of a column of minor units in files for programs; CSV has major units, for people."""


@dataclass(frozen=True, slots=True)
class Report(Generic[R]):
    """Rows that are made while they are read, as of the moment when the first page is read."""

    row: type[R]
    """A named tuple; its fields are the columns."""
    pages: AsyncGenerator[Sequence[R], None]


def columns_of(row: type[Any]) -> Mapping[str, Any]:
    """Return the types of the columns by their names."""
    return get_type_hints(row)


def program_names(row: type[Any]) -> list[str]:
    """Return the names of the columns in files for programs."""
    return [f"{name}{AMOUNT_SUFFIX}" if kind is Minor else name for name, kind in columns_of(row).items()]


async def report_csv(report: Report[R]) -> AsyncGenerator[bytes, None]:
    """Yield a report as CSV: first the names of the columns, with the first page if there is one."""
    cells, head = cell_writer(report.row), csv_lines([list(columns_of(report.row))])
    async with aclosing(report.pages) as pages:
        async for page in pages:
            yield head + csv_lines(map(cells, page))
            head = b""
    if head:
        yield head


def cell_writer(row: type[Any]) -> Callable[[Any], Sequence[Cell]]:
    """Return what makes the cells of a row; amounts become exact numbers of major units."""
    names = list(columns_of(row))
    writers = [CELLS.get(kind, str) for kind in columns_of(row).values()]
    amounts = [at for at, kind in enumerate(columns_of(row).values()) if kind is Minor]
    currency = names.index("currency") if amounts else 0

    def cells(told: Sequence[Any]) -> Sequence[Cell]:
        written: list[Cell] = [write(value) for write, value in zip(writers, told, strict=True)]
        places = decimal_places(told[currency]) if amounts else 0
        for at in amounts:
            written[at] = Decimal(told[at]).scaleb(-places)
        return written

    return cells


def moment_cell(moment: datetime | None) -> str:
    """Return a moment as `2026-11-20T18:30:00Z`; None is an empty cell."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else ""


CELLS: Mapping[Any, Callable[[Any], Cell]] = {
    int: int,
    Minor: int,
    date: date.isoformat,
    datetime: moment_cell,
    datetime | None: moment_cell,
}
