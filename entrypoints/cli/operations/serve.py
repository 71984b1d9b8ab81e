"""`bursar serve`, and `bursar work` for the processes that it starts."""

import asyncio
import gc
import os
import shlex

import typer

from entrypoints.cli.command_runner import EXIT_INTERRUPTED, CommandRunner, ConfigFile, stop_on_signals
from entrypoints.cli.runtime import Runtime, StartupReport

WORKER_LINE = 0
"""File descriptor of a worker's socket to its supervisor; the worker writes a byte when it is ready."""
TRY_IT = """\
Try it:
curl -s {url}/v1/exam-fees -H "Authorization: Bearer {credential}" \\
  -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-fee' \\
  -d '{{"schedule": "sahyadri-semester", "registration": "SU-2026-0001"}}'"""
commands = typer.Typer()


@commands.command(epilog="Example: bursar serve --config /etc/bursar/production.toml")
def serve(context: typer.Context, config: ConfigFile = None) -> None:
    """Serve what the configuration names: HTTP, consumer, relay, dispatcher. Ctrl-C stops it."""
    runner: CommandRunner = context.obj

    async def on_started(report: StartupReport) -> None:
        freeze_gc_heap()
        print_startup(runner, report, suggest=config is None)

    async def work(runtime: Runtime) -> None:
        await runtime.serve(on_started, stop_on_signals())

    runner.run(config, work, {})


@commands.command("work", hidden=True, epilog="Example: bursar work")
def serve_as_worker(context: typer.Context, config: ConfigFile = None) -> None:
    """Run as a worker process of `serve`; it stops when the socket on its standard input closes."""
    runner: CommandRunner = context.obj

    async def on_started(_: StartupReport) -> None:
        freeze_gc_heap()
        os.write(WORKER_LINE, b".")

    async def work(runtime: Runtime) -> None:
        # Ctrl-C reaches it twice: from the terminal, and as SIGTERM from the supervisor.
        loop, stop = asyncio.get_running_loop(), stop_on_signals(twice_ends_at_once=False)

        def on_supervisor_gone() -> None:
            loop.remove_reader(WORKER_LINE)
            if stop.is_set():  # the supervisor was told twice
                os._exit(EXIT_INTERRUPTED)
            stop.set()

        loop.add_reader(WORKER_LINE, on_supervisor_gone)
        await runtime.serve(on_started, stop)

    runner.run(config, work, {})


def print_startup(runner: CommandRunner, report: StartupReport, *, suggest: bool) -> None:
    """Print the warnings, the address, and on `suggest` a command that submits a fee."""
    for warning in report.warnings:
        runner.err.print(warning, soft_wrap=True)
    if report.url:
        runner.out.print(f"The fee office is open: {report.url}")
        runner.out.print(f"Its API pages: {report.url}/docs")
    else:
        runner.out.print("The fee office is open.")
    if report.api_key and report.key_file:
        runner.out.print(f"The API key of its administrator is kept in {report.key_file}", soft_wrap=True)
    if suggest:
        credential = report.api_key or f"$(cat {shlex.quote(report.key_file) if report.key_file else 'KEY_FILE'})"
        runner.out.print(TRY_IT.format(url=report.url, credential=credential), soft_wrap=True, highlight=False)


def freeze_gc_heap() -> None:
    """Exclude everything that is loaded from garbage collection, which took a third of a submission's time."""
    gc.collect()
    gc.freeze()
