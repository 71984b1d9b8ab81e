"""`bursar vendors`: how we stand with them."""

import typer
from rich.table import Table

from core.notifications.vendors import Breaker
from entrypoints.cli.desk import AsJson, ConfigFile, Desk


def add_to(cli: typer.Typer, desk: Desk) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar vendors --config production.toml")
    def vendors(config: ConfigFile = None, json: AsJson = False) -> None:
        """Show which vendors are asked, how often they fail, and which dispatcher says so."""
        found = desk.work_in(config, lambda office: office.use_cases["list_vendors"]()())
        if json:
            desk.print_json(found)
        elif not found:
            desk.out.print("no dispatcher has said anything in the last minute: is one running?")
        else:
            table = Table("channel", "vendor", "breaker", "failures", "under way", "rests until", "says", "at (UTC)")
            for each in found:
                until = f"{each.rests_until:%H:%M:%S}" if each.rests_until else ""
                table.add_row(
                    each.channel, each.vendor, each.breaker, f"{each.failure_percent} % of {each.calls}",
                    str(each.under_way), until, each.process, f"{each.at:%H:%M:%S}",
                    style="" if each.breaker is Breaker.CLOSED else "red",
                )  # fmt: skip
            desk.out.print(table)
