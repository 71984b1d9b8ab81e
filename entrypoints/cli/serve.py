"""`bursar serve`: open the fee office."""

import asyncio
import gc
import os

import typer

from entrypoints.cli.desk import ConfigFile, Desk, listen_for_the_end
from entrypoints.cli.office import Office, Served

TRY_IT = """\
Try it:
curl -s {url}/v1/exam-fees -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-fee' \\
  -d '{{"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}}'"""


def add_to(cli: typer.Typer, desk: Desk) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar serve --config /etc/bursar/production.toml")
    def serve(config: ConfigFile = None) -> None:
        """Serve what the configuration names: HTTP, consumer, relay, dispatcher. Ctrl-C stops it."""

        async def opened(served: Served) -> None:
            spare_the_collector()
            for warning in served.warnings:
                desk.err.print(warning, soft_wrap=True)
            if served.url:
                desk.out.print(f"The fee office is open: {served.url}")
                desk.out.print(f"Its API pages: {served.url}/docs")
            else:
                desk.out.print("The fee office is open.")
            if config is None:
                desk.out.print(TRY_IT.format(url=served.url), soft_wrap=True)

        async def work(office: Office) -> None:
            await office.serve(opened, listen_for_the_end())

        desk.run(config, work, {})

    @cli.command(hidden=True, epilog="Example: bursar work")
    def work(config: ConfigFile = None) -> None:
        """Be one of the processes that `serve` started; standard input is its line to us, which ends when it does."""

        async def opened(_: Served) -> None:
            spare_the_collector()
            os.write(0, b".")

        async def work(office: Office) -> None:
            loop, stop = asyncio.get_running_loop(), listen_for_the_end()

            def left_alone() -> None:
                loop.remove_reader(0)
                stop.set()

            loop.add_reader(0, left_alone)
            await office.serve(opened, stop)

        desk.run(config, work, {})


def spare_the_collector() -> None:
    """Let it pass over everything that is loaded and stays: that took it a third of a submission's time."""
    gc.collect()
    gc.freeze()
