"""What commands of reports share: the format, the file or standard output, and how rows are written into it."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from core.kernel.errors import Invalid
from core.kernel.report import Report, program_names, report_csv
from entrypoints.cli.command_runner import CommandRunner
from entrypoints.cli.runtime import Runtime


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    """Amounts in major units; texts are guarded against spreadsheet programs."""
    JSON = "json"
    """One object per line; amounts in minor units."""
    PARQUET = "parquet"
    """Amounts in minor units; needs the extra `parquet`."""


ToFile = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="A file that is replaced when the report is complete.")
]
AsFormat = Annotated[
    Format, typer.Option("--format", help="csv: major units; json, one object a line, and parquet: minor units.")
]
MakeReport = Callable[[Runtime], Awaitable[Report[Any]]]


def write_report(
    runner: CommandRunner, config: Path | None, make: MakeReport, to_file: Path | None, form: Format
) -> None:
    """Write a report to standard output, or replace a file by it; raise `Invalid` for Parquet without a file."""

    async def work(runtime: Runtime) -> None:
        if form is Format.PARQUET and to_file is None:
            raise Invalid("Parquet is written into a file: give --out FILE")
        write = WRITERS[form]
        report = await make(runtime)
        with opened(to_file) as file:
            await write(report, file)

    runner.run_provisioned(config, work)


@contextmanager
def opened(to_file: Path | None) -> Iterator[IO[bytes]]:
    """Open a file beside the one that it replaces at the end; what is interrupted leaves the old one."""
    if to_file is None:
        yield sys.stdout.buffer
        return
    part = to_file.with_name(f"{to_file.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(to_file)
    finally:
        part.unlink(missing_ok=True)


async def write_csv(report: Report[Any], file: IO[bytes]) -> None:
    """Write CSV."""
    async for part in report_csv(report):
        file.write(part)


async def write_json(report: Report[Any], file: IO[bytes]) -> None:
    """Write one object per line."""
    names, encode = program_names(report.row), msgspec.json.Encoder().encode_lines
    async with aclosing(report.pages) as pages:
        async for page in pages:
            file.write(encode([dict(zip(names, row, strict=True)) for row in page]))


async def write_parquet(report: Report[Any], file: IO[bytes]) -> None:
    """Write Parquet; raise `Invalid` without the package for it."""
    try:
        from entrypoints.cli.parquet import ParquetFile
    except ImportError as error:
        raise Invalid(f"Parquet needs the package {error.name}: pip install 'bursar[parquet]'") from error
    async with aclosing(report.pages) as pages:
        with ParquetFile(report.row, file) as parquet:
            async for page in pages:
                parquet.write(page)


WRITERS: dict[Format, Callable[[Report[Any], IO[bytes]], Awaitable[None]]] = {
    Format.CSV: write_csv,
    Format.JSON: write_json,
    Format.PARQUET: write_parquet,
}
