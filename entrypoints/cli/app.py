"""The command line."""

import sys
from importlib.metadata import version
from typing import Annotated, TextIO

import typer
from rich.console import Console

from entrypoints.cli import imports
from entrypoints.cli.command_runner import CommandRunner
from entrypoints.cli.fees import exam_fees
from entrypoints.cli.inventory import stock_commands
from entrypoints.cli.notifications import deliveries, vendors
from entrypoints.cli.operations import administration, dead_letters, demo, projections, replay_events, serve
from entrypoints.cli.runtime import OpenRuntime

PIPE_WIDTH_COLUMNS = 400
"""Columns for whoever is no terminal and does not wrap."""


def create_cli(open_runtime: OpenRuntime) -> typer.Typer:
    """Return the command `bursar`, given how to open a fee office."""
    cli = typer.Typer(
        name="bursar",
        help="A fee office that can be trusted on deadline day.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,  # they would fill screens, and show secrets
    )
    runner = CommandRunner(open_runtime, out=plain(sys.stdout), err=plain(sys.stderr))
    shown = (
        serve,
        demo,
        administration,
        vendors,
        deliveries,
        dead_letters,
        replay_events,
        projections,
        imports,
        exam_fees,
        stock_commands,
    )
    for commands in shown:
        commands.register_commands(cli, runner)

    @cli.callback()
    def bursar(
        _version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
    ) -> None:
        """Run a fee office that can be trusted on deadline day."""

    return cli


def plain(stream: TextIO) -> Console:
    """Return a console on which what people are called is no markup and no emoji."""
    width = None if stream.isatty() else PIPE_WIDTH_COLUMNS
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"bursar {version('bursar')}")
        raise typer.Exit
