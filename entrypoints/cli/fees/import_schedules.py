"""`bursar import schedule`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.fees.errors import InvalidSchedule
from core.fees.schedule import FeeSchedule
from core.kernel.text import decode_utf8
from core.kernel.toml import parse_toml
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

ScheduleFiles = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)]
commands = typer.Typer()


@commands.command(epilog="Example: bursar import schedule neet-ug-2026.toml")
def schedule(context: typer.Context, files: ScheduleFiles, config: ConfigFile = None, json: AsJson = False) -> None:
    """Put fee schedules in force; a change makes a new version."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> list[FeeSchedule]:
        publish = runtime.use_cases.fees.publish_fee_schedule
        return [await publish(read_document(file)) for file in files]

    published = runner.run_provisioned(config, work)
    runner.print(published, lambda schedules: "\n".join(map(summary, schedules)), json=json)


def summary(schedule: FeeSchedule) -> str:
    """Return one line about a schedule."""
    kit = f", with the kit {schedule.kit}" if schedule.kit else ""
    return f"{schedule.code}, version {schedule.version}: {schedule.title}{kit}"


def read_document(file: Path) -> dict[str, Any]:
    """Read a TOML file; raise `InvalidSchedule`."""
    return parse_toml(decode_utf8(file.read_bytes(), str(file)), str(file), InvalidSchedule)
