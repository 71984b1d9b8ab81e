"""The command line."""

import sys
from importlib.metadata import version
from typing import Annotated, TextIO

import typer
from rich.console import Console

from entrypoints.cli import (
    dead_letters,
    deliveries,
    demo,
    fees,
    imports,
    operations,
    projections,
    replay,
    serve,
    stores,
    vendors,
)
from entrypoints.cli.desk import Desk
from entrypoints.cli.office import OpenOffice

IN_A_PIPE = 400
"""Columns for whoever is no terminal and does not wrap."""


def create_cli(open_office: OpenOffice) -> typer.Typer:
    """Return the command `bursar`, given how to open a fee office."""
    cli = typer.Typer(
        name="bursar",
        help="A fee office that can be trusted on deadline day.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,  # they would fill screens, and show secrets
    )
    desk = Desk(open_office, out=plain(sys.stdout), err=plain(sys.stderr))
    shown = (serve, demo, operations, vendors, deliveries, dead_letters, replay, projections, imports, fees, stores)
    for commands in shown:
        commands.add_to(cli, desk)

    @cli.callback()
    def bursar(
        _version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
    ) -> None:
        """Run a fee office that can be trusted on deadline day."""

    return cli


def plain(stream: TextIO) -> Console:
    """Return a console on which what people are called is no markup and no emoji."""
    width = None if stream.isatty() else IN_A_PIPE
    return Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def show_version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"bursar {version('bursar')}")
        raise typer.Exit
