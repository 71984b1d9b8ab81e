"""The command line: every command and its group."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from entrypoints.cli.command_runner import CommandRunner
from entrypoints.cli.runtime import OpenRuntime


@dataclass(frozen=True, slots=True)
class Group:
    """Commands behind one word, imported when that word is chosen."""

    name: str
    help: str
    modules: tuple[str, ...]
    """Their names in `entrypoints.cli`; each has its `commands`."""
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
        late = imported_late(each.modules)
        cli.add_typer(typer.Typer(name=each.name, cls=late, help=each.help, no_args_is_help=True, hidden=each.hidden))
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


def imported_late(modules: tuple[str, ...]) -> type[TyperGroup]:
    """Return a group that imports its modules when its commands are asked for: `bursar --help` needs only its words."""

    class ImportedLate(TyperGroup):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            del self.commands  # typer's empty ones, which hide the property

        @cached_property
        def commands(self) -> Any:  # type: ignore[override]  # set once, at the first use
            group = typer.Typer(rich_markup_mode=self.rich_markup_mode)
            add_commands(group, (import_module(f"entrypoints.cli.{each}") for each in modules))
            return typer.main.get_group(group).commands

    return ImportedLate


def add_commands(group: typer.Typer, modules: Iterable[ModuleType]) -> None:
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
        from importlib.metadata import version

        typer.echo(f"bursar {version('bursar')}")
        raise typer.Exit
