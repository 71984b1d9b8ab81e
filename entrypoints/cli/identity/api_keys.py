"""`bursar api-keys`: create, list and revoke API keys."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.table import Table

from core.identity.api_key import ApiKeyPage, ApiKeySummary, IssuedApiKey, NewApiKey
from core.identity.credential import ApiKeyId
from core.kernel.authorization import Permission
from core.kernel.text import escape_unprintable
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

KEYS_PER_PAGE = 100
Owner = Annotated[UUID, typer.Argument(metavar="ACCOUNT", help="Its owner, as `bursar accounts list` shows it.")]
Name = Annotated[str, typer.Option(help="What the key is for.")]
Permissions = Annotated[
    list[Permission] | None,
    typer.Option("--permission", help="One of those of the account.", show_default="all of the account"),
]
Days = Annotated[int | None, typer.Option(min=1, help="How long it is valid.", show_default="365")]
OfAccount = Annotated[UUID | None, typer.Option("--account", help="Only of this account.")]
After = Annotated[UUID | None, typer.Option("--after", help="What the page before ended with.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000)]
Id = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.")]
commands = typer.Typer()


@commands.command(
    epilog="Example: bursar api-keys create 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d --name 'admission portal'"
)
def create(
    context: typer.Context,
    account: Owner,
    name: Name,
    permission: Permissions = None,
    days: Days = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Create an API key, and print it this once."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> IssuedApiKey:
        wanted = tuple(permission) if permission else None
        asked = NewApiKey(account=account, name=name, permissions=wanted, days=days)
        return await runtime.use_cases.identity.create_api_key(asked)

    issued = runner.run_provisioned(config, work)
    runner.print(issued, lambda issued: issued.credential, json=json)


@commands.command("list", epilog="Example: bursar api-keys list")
def list_all(
    context: typer.Context,
    account: OfAccount = None,
    after: After = None,
    limit: Limit = KEYS_PER_PAGE,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """List the API keys, the oldest first; none can be shown again."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ApiKeyPage:
        behind = ApiKeyId(after) if after else None
        return await runtime.use_cases.identity.list_api_keys(account, behind, limit)

    page = runner.run_provisioned(config, work)
    runner.print(page, lambda page: keys_table(page.items) if page.items else "there is no API key", json=json)
    if page.next and not json:
        runner.out.print(f"there are more: --after {page.next}", soft_wrap=True)


@commands.command(epilog="Example: bursar api-keys revoke 01936b5e-7a3c-7c1e-9d55-0a4f4e1c2b3d")
def revoke(context: typer.Context, key: Id, config: ConfigFile = None, json: AsJson = False) -> None:
    """Make an API key invalid, in every process within a second."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> ApiKeySummary:
        return await runtime.use_cases.identity.revoke_api_key(key)

    revoked = runner.run_provisioned(config, work)
    runner.print(revoked, lambda revoked: f"{revoked.id} is revoked", json=json)


def keys_table(keys: Sequence[ApiKeySummary]) -> Table:
    """Return a table of API keys."""
    table = Table("id", "account", "name", "expires", "last use", "state", box=None)
    for each in keys:
        used = f"{each.used_at:%Y-%m-%dT%H:%MZ}" if each.used_at else "never"
        state = "revoked" if each.revoked_at else "valid"
        expires = f"{each.expires_at:%Y-%m-%d}"
        table.add_row(str(each.id), str(each.account), escape_unprintable(each.name), expires, used, state)
    return table
