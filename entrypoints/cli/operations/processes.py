"""`bursar processes`: what the registry lists, and files that tell gateways."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.table import Table

from core.kernel.errors import Invalid
from core.kernel.registry import RegisteredProcess, Registry, RegistryUnavailable
from core.kernel.signals import Signals
from core.kernel.text import escape_unprintable
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.operations.gateway_files import EnvoyFile, GatewayFile, TraefikFile, addresses, write
from entrypoints.cli.runtime import Runtime

log = structlog.get_logger()
Traefik = Annotated[
    tuple[Path, Path] | None,
    typer.Option(metavar="TEMPLATE FILE", help="deploy/gateway/routes.yml, and the file that Traefik watches."),
]
Envoy = Annotated[Path | None, typer.Option(metavar="FILE", help="The endpoints that Envoy watches.")]
Seconds = Annotated[float, typer.Option(min=0.2, max=60, help="The time between two readings of the registry.")]
commands = typer.Typer()


@commands.command("list", epilog="Example: bursar processes list --config production.toml")
def list_processes(context: typer.Context, config: ConfigFile = None, json: AsJson = False) -> None:
    """List the processes that the registry knows, and whether they are ready."""
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> Sequence[RegisteredProcess]:
        return await registry_of(runtime).processes()

    runner.print(runner.run(config, work), render, json=json)


@commands.command(epilog="Example: bursar processes follow --config production.toml --envoy /etc/envoy/office.json")
def follow(
    context: typer.Context,
    traefik: Traefik = None,
    envoy: Envoy = None,
    seconds: Seconds = 1.0,
    config: ConfigFile = None,
) -> None:
    """Keep the servers of gateways up to date, until Ctrl-C; while the registry is away they stay as they are."""
    runner: CommandRunner = context.obj
    files: list[GatewayFile] = [TraefikFile(*traefik)] if traefik else []
    files += [EnvoyFile(envoy)] if envoy else []

    async def work(runtime: Runtime) -> None:
        if not files:
            raise Invalid("name a file with --traefik, --envoy, or both")
        await keep_up_to_date(registry_of(runtime), files, seconds, stop_on_signals())

    runner.run(config, work, {})


async def keep_up_to_date(
    registry: Registry, files: Sequence[GatewayFile], seconds: float, stop: asyncio.Event
) -> None:
    """Write each change of the list until `stop` is set."""
    away = False
    while not stop.is_set():
        try:
            found = addresses(await registry.processes())
        except RegistryUnavailable as error:
            if not away:
                log.warning("registry_unreachable", error=error)
            away = True
        else:
            if away:
                log.info("registry_reachable")
            away = False
            changed = [write(each, found) for each in files]
            if any(changed):
                log.info("gateway_servers_written", endpoint=", ".join(found))
        await Signals.wait(stop, seconds)


def registry_of(runtime: Runtime) -> Registry:
    """Return the registry; raise `Invalid` where the settings name none."""
    if runtime.registry is None:
        raise Invalid("adapters.registry is none: name etcd or consul, where processes say that they are ready")
    return runtime.registry


def render(processes: Sequence[RegisteredProcess]) -> Table | str:
    """Return a table of processes."""
    if not processes:
        return "The registry lists no process: none runs, or none has the same registry.url and registry.name."
    table = Table("process", "serves", "address", "ready", "version")
    for each in processes:
        ready = "yes" if each.ready else "no"
        row = (each.id, ", ".join(each.serves), each.address, ready, each.version)
        table.add_row(*map(escape_unprintable, row), style="" if each.ready else "red")
    return table
