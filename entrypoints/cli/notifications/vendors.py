"""`bursar vendors`: how we stand with them."""

import typer
from rich.table import Table

from core.notifications.vendor_standing import Breaker
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar vendors --config production.toml")
    def vendors(config: ConfigFile = None, json: AsJson = False) -> None:
        """Show which vendors are asked, how often they fail, and which dispatcher says so."""
        found = runner.run_provisioned(config, lambda office: office.use_cases["list_vendor_standings"]()())
        if json:
            runner.print_json(found)
        elif not found:
            runner.out.print("no dispatcher has said anything in the last minute: is one running?")
        else:
            table = Table("channel", "vendor", "breaker", "failures", "under way", "rests until", "says", "at (UTC)")
            for each in found:
                until = f"{each.rests_until:%H:%M:%S}" if each.rests_until else ""
                table.add_row(
                    each.channel, each.vendor, each.breaker, f"{each.failure_percent} % of {each.calls}",
                    str(each.under_way), until, each.process, f"{each.at:%H:%M:%S}",
                    style="" if each.breaker is Breaker.CLOSED else "red",
                )  # fmt: skip
            runner.out.print(table)
