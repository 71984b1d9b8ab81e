"""`bursar backup` and `bursar after-restore`: copies of a SQLite file, and what a restored database needs."""

from pathlib import Path
from typing import Annotated

import typer

from core.kernel.authorization import Permission, current_principal
from core.kernel.errors import Invalid
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.options import parse_moment
from entrypoints.cli.runtime import AfterRestore, Runtime

Target = Annotated[Path, typer.Argument(metavar="FILE", help="The copy; it must not exist.")]
Moment = Annotated[str, typer.Option("--to", metavar="MOMENT", help="What was restored: 2026-11-28T09:30Z.")]
commands = typer.Typer()


@commands.command(epilog="Example: bursar backup before-the-upgrade.db")
def backup(context: typer.Context, target: Target, config: ConfigFile = None, json: AsJson = False) -> None:
    """Copy the SQLite database while it serves; for MySQL, deploy/backup has scripts.

    The files beside it, which end with .keys and .secret, decrypt it: keep them too, and elsewhere.
    """
    runner: CommandRunner = context.obj
    size = runner.run(config, lambda runtime: runtime.back_up(target))
    runner.print({"file": str(target), "bytes": size}, "{file}: {bytes:,} bytes".format_map, json=json)


@commands.command("after-restore", epilog="Example: bursar after-restore --to 2026-11-28T09:30Z")
def after_restore(context: typer.Context, to: Moment, config: ConfigFile = None, json: AsJson = False) -> None:
    """Bring deliveries and Kafka offsets in line with a database that was restored, before any process serves.

    What was pending may have been sent after the moment: it becomes unknown, and is looked up or decided, never sent
    blindly. Commands are read again from the moment on; the inbox ignores those that took effect before it.
    """
    runner: CommandRunner = context.obj
    moment = parse_moment(to, "$.to")

    async def work(runtime: Runtime) -> AfterRestore:
        current_principal.get().require(Permission.SYSTEM_RUN)
        if moment is None or moment > runtime.clock.now():
            raise Invalid("a database is not restored to a moment of the future", at="$.to")
        return await runtime.after_restore(moment)

    runner.print(runner.run(config, work), summary, json=json)


def summary(done: AfterRestore) -> str:
    """Return what was changed, as lines of text."""
    again = [f"{place}: {count} commands are read again" for place, count in sorted(done.rewound.items())]
    return "\n".join([f"{done.deliveries_in_doubt} pending deliveries are in doubt now", *again])
