"""`bursar accounts create-admin`, `reset-password` and `invite`: one-time links that set a password."""

from typing import Annotated
from uuid import UUID

import typer

from core.identity.account import AccountId
from core.identity.passwords.create_password_link import PasswordLink
from core.identity.passwords.invite_account import Invitation
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

Login = Annotated[str, typer.Argument(help="The name to sign in with.")]
Name = Annotated[str, typer.Option("--name", help="The name of the person.")]
Account = Annotated[UUID, typer.Argument(help="The id of the account.")]
NewLogin = Annotated[str | None, typer.Option("--login", help="The name to sign in with, for an account without one.")]
commands = typer.Typer()


@commands.command("create-admin", epilog="Example: bursar accounts create-admin meenakshi --name 'Meenakshi Iyer'")
def create_admin(
    context: typer.Context, login: Login, name: Name = "", config: ConfigFile = None, json: AsJson = False
) -> None:
    """Create an administrator, and print the one-time token that sets the first password."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> PasswordLink:
        return await runtime.use_cases.identity.create_administrator(login, name or login)

    runner.print(runner.run_provisioned(config, work), instructions, json=json)


@commands.command(
    "reset-password", epilog="Example: bursar accounts reset-password 019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42"
)
def reset_password(
    context: typer.Context, account: Account, login: NewLogin = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Print a one-time token that sets the password of an account; an earlier one is no longer valid."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> PasswordLink:
        return await runtime.use_cases.identity.create_password_link(AccountId(account), login)

    runner.print(runner.run_provisioned(config, work), instructions, json=json)


@commands.command(epilog="Example: bursar accounts invite 019a9e5c-6f3e-7b21-9c5d-0f7a3e9b1c42 --login asha.kulkarni")
def invite(
    context: typer.Context, account: Account, login: NewLogin = None, config: ConfigFile = None, json: AsJson = False
) -> None:
    """Send the one-time link that sets the password of an account to its e-mail address; an earlier link ends."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Invitation:
        return await runtime.use_cases.identity.invite_account(AccountId(account), login)

    runner.print(runner.run_provisioned(config, work), invited, json=json)


def invited(invitation: Invitation) -> str:
    """Return what was sent; the link is in the message only."""
    return f"{invitation.login} is sent a link that sets a password until {invitation.expires_at:%Y-%m-%d %H:%M} UTC"


def instructions(link: PasswordLink) -> str:
    """Return how the token of a link is used: arguments of a command are visible to every user of a machine."""
    return (
        f"{link.login} sets a password until {link.expires_at:%Y-%m-%d %H:%M} UTC, once. Start\n"
        "  curl http://127.0.0.1:8000/v1/passwords -H 'Content-Type: application/json' --data @-\n"
        "type this line with the password, then press Ctrl-D:\n"
        f'  {{"token": "{link.token}", "password": "…"}}'
    )
