"""`bursar import settlement`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from core.kernel.text import escape_unprintable
from core.settlements.import_settlement import SettlementReport
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.files import read_chunks
from entrypoints.cli.runtime import Runtime
from entrypoints.settlement_mappings import read_mapping, shipped_mapping

SettlementFile = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]
Gateway = Annotated[str | None, typer.Option(help="Whose file it is: razorpay or stripe.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", exists=True, dir_okay=False, help="A mapping of your own, in TOML.")
]
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
        read = read_mapping(mapping) if mapping else shipped_mapping(gateway)
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar = progress.add_task("importing", total=file.stat().st_size)
            return await runtime.use_cases.settlements.import_settlement(
                read,
                read_chunks(file, lambda size: progress.advance(bar, size)),
                lambda done: progress.update(bar, description=f"{done:,} lines"),
            )

    report = runner.run_provisioned(config, work)
    if not json:
        for bad in report.bad_lines:
            runner.err.print(escape_unprintable(f"line {bad.number}: {bad.reason}"), soft_wrap=True)
    runner.print(report, summary, json=json)
    if report.rejected:
        raise typer.Exit(1)


def summary(report: SettlementReport) -> str:
    """Return the counts of an import."""
    kinds = "".join(f", {count:,} {kind}" for kind, count in sorted(report.exceptions.items()))
    return (
        f"{report.read:,} lines: {report.matched:,} matched, {report.repeated:,} known before{kinds},"
        f" {report.rejected:,} rejected"
    )
