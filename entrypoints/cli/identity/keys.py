"""`bursar keys create` and `rotate`: the keys that sign access tokens."""

import typer

from core.identity.signing_key import SigningKey
from entrypoints.cli.command_runner import CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

commands = typer.Typer()


@commands.command(epilog="Example: bursar keys create --config production.toml")
def create(context: typer.Context, config: ConfigFile = None) -> None:
    """Create the first signing key; where there is one, do nothing."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> str | None:
        return await runtime.use_cases.identity.create_signing_key()

    kid = runner.run_provisioned(config, work)
    runner.out.print(f"created the signing key {kid}" if kid else "there is a signing key already")


@commands.command(epilog="Example: bursar keys rotate --config production.toml")
def rotate(context: typer.Context, config: ConfigFile = None) -> None:
    """Replace the signing key: the new one signs in a minute, the old one verifies until its tokens are out."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> SigningKey:
        return await runtime.use_cases.identity.rotate_signing_key()

    key = runner.run_provisioned(config, work)
    runner.out.print(f"created the signing key {key.kid}; it signs from {key.signs_from:%H:%M:%S} UTC")
