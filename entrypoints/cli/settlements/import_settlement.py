"""`bursar import settlement`."""

from importlib.resources import files
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from core.kernel.errors import Invalid
from core.kernel.text import escape_unprintable
from core.kernel.toml import parse_toml
from core.settlements.import_settlement import SettlementReport
from core.settlements.mapping import SettlementMapping
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime
from entrypoints.strict_decoding import convert

SettlementFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Gateway = Annotated[str | None, typer.Option(help="Whose file it is: razorpay or stripe.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="A mapping of your own, in TOML.")
]
SHIPPED = files("config") / "data" / "settlements"
commands = typer.Typer()


@commands.command(epilog="Example: bursar import settlement recon.csv --gateway razorpay")
def settlement(
    context: typer.Context,
    file: SettlementFile,
    gateway: Gateway = None,
    mapping: MappingFile = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Match a gateway's settlement file: what matches is posted, the rest are exceptions; twice changes nothing."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> SettlementReport:
        read = read_mapping(gateway, mapping)
        with (
            Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress,
            file.open("rb") as raw,
        ):
            bar = progress.add_task("importing", total=file.stat().st_size)
            return await runtime.use_cases.settlements.import_settlement(
                read,
                TextIOWrapper(raw, encoding="utf-8", newline=""),
                lambda done: progress.update(bar, completed=raw.tell(), description=f"{done:,} lines"),
            )

    report = runner.run_provisioned(config, work)
    if not json:
        for bad in report.bad_lines:
            runner.err.print(escape_unprintable(f"line {bad.number}: {bad.reason}"), soft_wrap=True)
    runner.print(report, summary, json=json)
    if report.rejected:
        raise typer.Exit(1)


def read_mapping(gateway: str | None, path: Path | None) -> SettlementMapping:
    """Return the mapping of a file, or the shipped one of a gateway; raise `Invalid`."""
    known = sorted(each.name.removesuffix(".toml") for each in SHIPPED.iterdir())
    if path is None and gateway not in known:
        raise Invalid(f"give --gateway, which is one of {', '.join(known)}, or --mapping FILE")
    chosen = path or SHIPPED / f"{gateway}.toml"
    try:
        return convert(parse_toml(chosen.read_text(encoding="utf-8"), chosen.name, Invalid), SettlementMapping)
    except (msgspec.ValidationError, UnicodeDecodeError) as error:
        raise Invalid(f"{chosen.name} is no mapping: {error}") from error


def summary(report: SettlementReport) -> str:
    """Return the counts of an import."""
    kinds = "".join(f", {count:,} {kind}" for kind, count in sorted(report.exceptions.items()))
    return (
        f"{report.read:,} lines: {report.matched:,} matched, {report.repeated:,} known before{kinds},"
        f" {report.rejected:,} rejected"
    )
