"""`bursar accounts`: create, list, change, disable and enable accounts."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from core.identity.account import Account, AccountId, AccountPage, AccountRoles, NewAccount
from core.identity.roles import Role
from core.kernel.text import escape_unprintable
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

ACCOUNTS_PER_PAGE = 100
Roles = Annotated[list[Role], typer.Option("--role", help="What it may do; several officers' roles add up.")]
Name = Annotated[str, typer.Option(help="The name of the person or program.")]
Email = Annotated[str, typer.Option(help="Where messages about the account go.")]
Centre = Annotated[str, typer.Option(help="The exam centre of a clerk.")]
Student = Annotated[str, typer.Option(metavar="REGISTRATION", help="The student that a candidate is.")]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
commands = typer.Typer()


@commands.command(epilog="Example: bursar accounts create --role clerk --name 'Asha Kulkarni' --centre PUNE-01")
def create(
    context: typer.Context,
    role: Roles,
    name: Name,
    email: Email = "",
    centre: Centre = "",
    student: Student = "",
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Create an account; `bursar api-keys create` gives it a credential."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Account:
        found = await runtime.use_cases.students.find_student(student) if student else None
        known = found.id if found else None
        asked = NewAccount(roles=tuple(role), name=name, email=email, centre=centre, student=known)
        return await runtime.use_cases.identity.create_account(asked)

    account = runner.run_provisioned(config, work)
    runner.print(account, lambda account: f"{account.id} was created", json=json)


@commands.command("list", epilog="Example: bursar accounts list")
def list_all(
    context: typer.Context,
    after: After = None,
    limit: Limit = ACCOUNTS_PER_PAGE,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the accounts, the oldest first."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> AccountPage:
        return await runtime.use_cases.identity.list_accounts(AccountId(after) if after else None, limit)

    page = runner.run_provisioned(config, work)
    runner.print(page, lambda page: accounts_table(page.items) if page.items else "there is no account", json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar accounts disable 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d")
def disable(context: typer.Context, account: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Take the right to act from an account; its credentials end within a second."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Account:
        return await runtime.use_cases.identity.disable_account(AccountId(account))

    disabled = runner.run_provisioned(config, work)
    runner.print(disabled, lambda disabled: f"{disabled.id} is disabled", json=json)


@commands.command(epilog="Example: bursar accounts enable 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d")
def enable(context: typer.Context, account: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Give a disabled account the right to act again, with its password and the keys that were not revoked."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Account:
        return await runtime.use_cases.identity.enable_account(AccountId(account))

    enabled = runner.run_provisioned(config, work)
    runner.print(enabled, lambda enabled: f"{enabled.id} is active", json=json)


@commands.command(
    epilog="Example: bursar accounts change-roles 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d --role clerk --centre PUNE-01"
)
def change_roles(
    context: typer.Context,
    account: Id,
    role: Roles,
    centre: Centre = "",
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Replace the roles and the centre of an account; its sessions end, its keys are narrowed within a second."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Account:
        asked = AccountRoles(roles=tuple(role), centre=centre)
        return await runtime.use_cases.identity.change_roles(AccountId(account), asked)

    changed = runner.run_provisioned(config, work)
    runner.print(changed, lambda changed: f"{changed.id} is now {', '.join(sorted(changed.roles))}", json=json)


def accounts_table(accounts: Sequence[Account]) -> Table:
    """Return a table of accounts."""
    table = Table("id", "name", "roles", "centre", "state", box=None)
    for each in accounts:
        state = "active" if each.active else "disabled"
        table.add_row(str(each.id), escape_unprintable(each.name), ", ".join(sorted(each.roles)), each.centre, state)
    return table
