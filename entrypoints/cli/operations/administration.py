"""Commands for the people who run it: doctor, migrate, topics."""

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.table import Table

from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.messaging.outbox import SHARD_COUNT
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, escape_unprintable
from entrypoints.cli.runtime import Runtime

PROBE_TIMEOUT_SECONDS = 5.0


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the commands."""

    @cli.command(epilog="Example: bursar doctor --config /etc/bursar/production.toml")
    def doctor(config: ConfigFile = None, json: AsJson = False) -> None:
        """Check the configuration, and reach everything it names."""

        async def work(office: Runtime) -> list[dict[str, object]]:
            with suppress(Unavailable):  # who is away is found below
                await office.provision()
            return list(await asyncio.gather(*(check_probe(probe) for probe in office.probes)))

        found = runner.run(config, work)
        if json:
            runner.print_json(found)
        else:
            runner.out.print("✓ configuration", style="green")
            for each in found:
                mark, style = ("✓", "green") if each["ready"] else ("✗", "red")
                runner.out.print(f"{mark} {each['name']} · {each['detail']}", style=style, soft_wrap=True)
                if not each["ready"]:
                    runner.out.print("  →", each["remedy"], soft_wrap=True)
        if not all(each["ready"] for each in found):
            raise typer.Exit(75)

    @cli.command(epilog="Example: bursar migrate --config production.toml")
    def migrate(
        config: ConfigFile = None,
        to: Annotated[str, typer.Option(help="head, base, a revision, or steps from here: +1, -1.")] = "head",
        json: AsJson = False,
    ) -> None:
        """Bring the schema of the database to the version this program needs."""
        newest = runner.run(config, lambda office: office.migrate(to))
        if json:
            runner.print_json({"to": to, "newest": newest})
        else:
            runner.out.print(f"migrated to {to}; this program needs {newest}")

    @cli.command(epilog="Example: bursar topics --config production.toml")
    def topics(config: ConfigFile = None, json: AsJson = False) -> None:
        """Create the Kafka topics that are missing, and show all of ours."""
        found = runner.run(config, lambda office: office.topics())
        if json:
            runner.print_json(found)
            return
        table = Table("topic", "partitions", "replicas", "settings", "")
        for each in found:
            settings = ", ".join(f"{name}={value}" for name, value in each.settings.items())
            table.add_row(each.name, str(each.partitions), str(each.replicas), settings, "new" if each.created else "")
        runner.out.print(table)

    @cli.command(epilog="Example: bursar outbox --config production.toml")
    def outbox(config: ConfigFile = None, json: AsJson = False) -> None:
        """Show the events that wait for the broker, who is to send them, and which are refused."""
        state = runner.run_provisioned(config, lambda office: office.backlog.look())
        if json:
            runner.print_json(state)
            return
        since = f", the oldest since {state.oldest:%Y-%m-%d %H:%M:%S} UTC" if state.oldest else ""
        runner.out.print(f"{state.waiting} events wait{since}")
        for relay, shards in state.relays.items():
            runner.out.print(f"{relay or 'nobody'}: {shards} of {SHARD_COUNT} shards")
        for each in state.blocked:
            told = f"blocked: event {each.event} after {each.attempts} attempts, next {each.until:%H:%M:%S} UTC"
            runner.out.print(f"{told}: {escape_unprintable(each.reason)}", soft_wrap=True)


async def check_probe(probe: Probe) -> dict[str, object]:
    """Ask one dependency, and say what to do if it is away."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_SECONDS):
            return {"name": probe.name, "ready": True, "detail": await probe.check()}
    except Unavailable as error:
        detail = str(error)
    except TimeoutError:
        detail = f"no answer within {PROBE_TIMEOUT_SECONDS:g} s"
    return {"name": probe.name, "ready": False, "detail": detail, "remedy": probe.remedy}
