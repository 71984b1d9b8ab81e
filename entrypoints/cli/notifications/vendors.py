"""`bursar vendors`: the breakers of the vendors."""

from collections.abc import Sequence

import typer
from rich.table import Table

from core.kernel.text import escape_unprintable
from core.notifications.vendor_standing import Breaker, VendorStanding
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.runtime import Runtime

commands = typer.Typer()


@commands.command(epilog="Example: bursar vendors --config production.toml")
def vendors(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """Show which vendors are asked, how often they fail, and which dispatcher says so."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[VendorStanding]:
        return await runtime.use_cases.notifications.list_vendor_standings()

    runner.print(runner.run_provisioned(config, work), standings_table, json=json)


def standings_table(standings: Sequence[VendorStanding]) -> Table | str:
    """Return a table of vendor standings, or a text when no dispatcher reports any."""
    if not standings:
        return "no dispatcher has reported in the last minute: is one running?"
    table = Table("channel", "vendor", "breaker", "failures", "under way", "rests until", "says", "at (UTC)", "why")
    for each in standings:
        table.add_row(
            each.channel,
            each.vendor,
            each.breaker,
            f"{each.failure_percent} % of {each.calls}",
            str(each.under_way),
            f"{each.rests_until:%H:%M:%S}" if each.rests_until else "",
            each.process,
            f"{each.at:%H:%M:%S}",
            escape_unprintable(each.reason),
            style="" if each.breaker is Breaker.CLOSED and not each.reason else "red",
        )
    return table
