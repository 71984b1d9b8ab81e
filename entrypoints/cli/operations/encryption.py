"""`bursar encryption`: create keys of personal data, and encrypt stored rows with the current one."""

import typer
from rich.progress import Progress

from core.kernel.encryption import create_key
from core.kernel.pace import Pace
from core.students.rotate_encryption import RotationReport
from entrypoints.cli.command_runner import EXIT_INTERRUPTED, AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.options import Rate
from entrypoints.cli.runtime import Runtime

MAX_LISTED = 20
commands = typer.Typer()


@commands.command("create-key", epilog="Example: bursar encryption create-key > new-key && chmod 600 new-key")
def print_key() -> None:
    """Print a new key; as the first one of `encryption.keys` it encrypts, and older ones below it only decrypt."""
    typer.echo(create_key())


@commands.command(epilog="Example: bursar encryption rotate --config production.toml")
def rotate(context: typer.Context, rate: Rate = None, config: ConfigFile = None, json: AsJson = False) -> None:
    """Encrypt all rows with the current key, while others serve; then older keys can be removed.

    Where rows are still plain, end the processes of the version before first: they would send nothing to an encrypted
    address.
    """
    runner: CommandRunner = context.obj
    pace = Pace(rate)

    async def work(runtime: Runtime) -> RotationReport:
        with Progress(console=runner.err, transient=True, disable=not runner.err.is_terminal) as progress:
            bar = progress.add_task("reading rows", total=None)
            pace.stop = stop_on_signals()
            return await runtime.use_cases.students.rotate_encryption(
                pace, lambda report: progress.update(bar, description=summary(report))
            )

    report = runner.run_provisioned(config, work)
    runner.print(report, summary, json=json)
    for each in () if json else report.unreadable[:MAX_LISTED]:
        runner.err.print(each, soft_wrap=True)
    if pace.stop.is_set():
        raise typer.Exit(EXIT_INTERRUPTED)
    if report.unreadable:
        raise typer.Exit(1)


def summary(report: RotationReport) -> str:
    """Return the counts of a rotation."""
    left = f", {len(report.unreadable):,} cannot be decrypted and need their older key" if report.unreadable else ""
    return f"{report.read:,} rows read, {report.encrypted:,} encrypted with the current key{left}"
