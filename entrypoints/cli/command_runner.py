"""How every command works: open the office, do the work, say what went wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console

from core.kernel.errors import Conflict, CoreError, Unavailable, problem_type
from entrypoints.cli.runtime import OpenRuntime, Runtime

T = TypeVar("T")
EXIT_CODES: Mapping[type[CoreError], int] = {Unavailable: 75, Conflict: 3, CoreError: 1}
"""The first kind that fits counts; 75 is what sysexits.h calls a temporary failure."""

ERRORS_ONLY_LOGGING = {"telemetry": {"level": "error"}}
"""What a command has to say it prints itself."""

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file; without one, the local profile.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")]


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Where commands are served."""

    open_runtime: OpenRuntime
    out: Console
    err: Console

    def run(
        self,
        path: Path | None,
        work: Callable[[Runtime], Awaitable[T]],
        changes: Mapping[str, Any] = ERRORS_ONLY_LOGGING,
    ) -> T:
        """Do some work in the office of a configuration; an error of the core ends the command with its code."""

        async def in_office() -> T:
            async with self.open_runtime(path, changes) as office:
                return await work(office)

        try:
            return uvloop.run(in_office())
        except CoreError as error:
            raise self.failed(error) from error
        except BaseExceptionGroup as group:
            known, unknown = group.split(CoreError)
            if unknown is not None or known is None:
                raise
            raise self.failed(first(known)) from group

    def run_provisioned(self, path: Path | None, work: Callable[[Runtime], Awaitable[T]]) -> T:
        """Do some work in an office that is ready for it."""

        async def when_ready(office: Runtime) -> T:
            await office.provision()
            return await work(office)

        return self.run(path, when_ready)

    def failed(self, error: CoreError) -> typer.Exit:
        """Say what went wrong, and return how to end."""
        where = f" (at {error.at})" if error.at else ""
        self.err.print(problem_type(type(error)).rpartition(":")[2], style="red", end=": ")
        self.err.print(escape_unprintable(f"{error}{where}"), soft_wrap=True)
        return typer.Exit(next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind)))

    def print_json(self, value: object) -> None:
        """Write one line of JSON."""
        typer.echo(msgspec.json.encode(value))


def escape_unprintable(text: str) -> str:
    """Return a text without anything a terminal would obey."""
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


def first(group: BaseException) -> CoreError:
    """Return the first error of nested groups."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    assert isinstance(group, CoreError)  # noqa: S101 - the group was split by this type
    return group


def stop_on_signals() -> asyncio.Event:
    """Return what Ctrl-C and SIGTERM will set."""
    import signal

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
