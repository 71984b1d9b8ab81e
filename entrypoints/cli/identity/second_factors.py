"""`bursar accounts reset-second-factor`: for an account whose device and recovery codes are lost."""

from typing import Annotated
from uuid import UUID

import typer

from core.identity.account import AccountId
from entrypoints.cli.command_runner import CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

Account = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
commands = typer.Typer()


@commands.command(
    "reset-second-factor", epilog="Example: bursar accounts reset-second-factor 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d"
)
def reset_second_factor(context: typer.Context, account: Account, config: ConfigFile = None) -> None:
    """Remove the second factor of an account, and end its sessions; the password alone signs in again."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> None:
        await runtime.use_cases.identity.reset_second_factor(AccountId(account))

    runner.run_provisioned(config, work)
    runner.out.print(f"{account} has no second factor any more, and no open session")
