"""The command line: every command and its group."""

import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import ModuleType
from typing import Annotated

import typer
from rich.console import Console

from entrypoints.cli.command_runner import CommandRunner
from entrypoints.cli.runtime import OpenRuntime


@dataclass(frozen=True, slots=True)
class Group:
    """Commands behind one word."""

    name: str
    help: str
    modules: tuple[ModuleType, ...]
    """Each has its `commands`."""
    hidden: bool = False
    """Whether it is an older name that still works."""


PIPE_WIDTH_COLUMNS = 400
"""Columns of output that goes to a pipe or a file, which do not wrap lines."""


def create_cli(open_runtime: OpenRuntime, commands: tuple[ModuleType, ...], groups: tuple[Group, ...]) -> typer.Typer:
    """Return the command `bursar` for runtimes that `open_runtime` opens."""
    cli = typer.Typer(
        name="bursar",
        help="A fee office that can be trusted on deadline day.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,  # they fill screens, and show secrets
    )
    add_commands(cli, commands)
    for each in groups:
        group = typer.Typer(name=each.name, help=each.help, no_args_is_help=True, hidden=each.hidden)
        add_commands(group, each.modules)
        cli.add_typer(group)
    runner = CommandRunner(open_runtime, out=plain(), err=plain(stderr=True))

    @cli.callback()
    def bursar(
        context: typer.Context,
        account: Annotated[
            str | None,
            typer.Option("--as", metavar="ACCOUNT", help="Act with the permissions of an account, by id or login."),
        ] = None,
        _version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
    ) -> None:
        """Run a fee office that can be trusted on deadline day."""
        context.obj = replace(runner, account=account)

    return cli


def add_commands(group: typer.Typer, modules: tuple[ModuleType, ...]) -> None:
    """Add the commands of some modules to a group."""
    for module in modules:
        group.add_typer(module.commands)


def plain(*, stderr: bool = False) -> Console:
    """Return a console that prints names verbatim, without markup and emoji."""
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else PIPE_WIDTH_COLUMNS
    return Console(stderr=stderr, width=width, markup=False, emoji=False, highlight=False)


def show_version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        typer.echo(f"bursar {version('bursar')}")
        raise typer.Exit
