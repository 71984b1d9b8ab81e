"""`bursar serve`: open the fee office."""

import asyncio
import gc
import os

import typer

from entrypoints.cli.command_runner import CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.runtime import Runtime, StartupReport

TRY_IT = """\
Try it:
curl -s {url}/v1/exam-fees -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-fee' \\
  -d '{{"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}}'"""


def register_commands(cli: typer.Typer, runner: CommandRunner) -> None:
    """Add the command."""

    @cli.command(epilog="Example: bursar serve --config /etc/bursar/production.toml")
    def serve(config: ConfigFile = None) -> None:
        """Serve what the configuration names: HTTP, consumer, relay, dispatcher. Ctrl-C stops it."""

        async def opened(served: StartupReport) -> None:
            freeze_gc_heap()
            for warning in served.warnings:
                runner.err.print(warning, soft_wrap=True)
            if served.url:
                runner.out.print(f"The fee office is open: {served.url}")
                runner.out.print(f"Its API pages: {served.url}/docs")
            else:
                runner.out.print("The fee office is open.")
            if config is None:
                runner.out.print(TRY_IT.format(url=served.url), soft_wrap=True)

        async def work(office: Runtime) -> None:
            await office.serve(opened, stop_on_signals())

        runner.run(config, work, {})

    @cli.command(hidden=True, epilog="Example: bursar work")
    def work(config: ConfigFile = None) -> None:
        """Be one of the processes that `serve` started; standard input is its line to us, which ends when it does."""

        async def opened(_: StartupReport) -> None:
            freeze_gc_heap()
            os.write(0, b".")

        async def work(office: Runtime) -> None:
            loop, stop = asyncio.get_running_loop(), stop_on_signals()

            def left_alone() -> None:
                loop.remove_reader(0)
                stop.set()

            loop.add_reader(0, left_alone)
            await office.serve(opened, stop)

        runner.run(config, work, {})


def freeze_gc_heap() -> None:
    """Let it pass over everything that is loaded and stays: that took it a third of a submission's time."""
    gc.collect()
    gc.freeze()
