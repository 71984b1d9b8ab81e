"""What every command does: open the runtime, run its work, report an error with its exit code."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import uvloop
from rich.console import Console, RenderableType

from core.kernel.authorization import NotPermitted, Permission, Principal, acting_as
from core.kernel.errors import Conflict, CoreError, Unavailable, problem_type
from core.kernel.text import escape_unprintable
from entrypoints.cli.options import decider
from entrypoints.cli.runtime import OpenRuntime, Runtime

T = TypeVar("T")
EXIT_CODES: Mapping[type[Exception], int] = {Unavailable: 75, Conflict: 3, Exception: 1}
"""The first kind that an error belongs to counts; 75 is the temporary failure (EX_TEMPFAIL) of sysexits.h."""
EXIT_INTERRUPTED = 130
"""The exit code that shells give a program which Ctrl-C ends."""

ERRORS_ONLY_LOGGING = {"telemetry": {"level": "error"}}
"""Settings of commands that print their results themselves."""

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file; without one, the local profile.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")]


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Runs the work of commands and prints their results; it is `obj` of every command's context."""

    open_runtime: OpenRuntime
    out: Console
    err: Console
    account: str | None = None
    """Id or login of the account whose permissions the operator uses; None: the own ones."""

    def run(
        self,
        path: Path | None,
        work: Callable[[Runtime], Awaitable[T]],
        changes: Mapping[str, Any] = ERRORS_ONLY_LOGGING,
    ) -> T:
        """Run what no account does: the work of the program itself."""
        if self.account is not None:
            raise self.report(NotPermitted("this command is the work of the program: use it without --as"))
        return self._run(path, work, changes)

    def _run(
        self,
        path: Path | None,
        work: Callable[[Runtime], Awaitable[T]],
        changes: Mapping[str, Any] = ERRORS_ONLY_LOGGING,
    ) -> T:
        """Run `work` with the runtime of a configuration; a core error ends the command with its exit code."""

        async def in_runtime() -> T:
            with acting_as(operator()):
                async with self.open_runtime(path, changes) as runtime:
                    return await work(runtime)

        try:
            return uvloop.run(in_runtime())
        except CoreError as error:
            raise self.report(error) from error
        except BaseExceptionGroup as group:
            known, unknown = group.split(CoreError)
            if unknown is not None or known is None:
                raise
            raise self.report(first_core_error(known)) from group

    def run_provisioned(self, path: Path | None, work: Callable[[Runtime], Awaitable[T]]) -> T:
        """Run `work` as the operator, or as the account of `--as`, after an empty database was provisioned."""

        async def when_ready(runtime: Runtime) -> T:
            await runtime.provision()
            principal = (
                await runtime.use_cases.identity.act_as_account(self.account) if self.account is not None else None
            )
            with acting_as(principal or operator()):
                return await work(runtime)

        return self._run(path, when_ready)

    def report(self, error: CoreError) -> typer.Exit:
        """Print an error, and return the exit that ends the command."""
        where = f" (at {error.at})" if error.at else ""
        self.err.print(problem_type(type(error)).rpartition(":")[2], style="red", end=": ")
        self.err.print(escape_unprintable(f"{error}{where}"), soft_wrap=True)
        return typer.Exit(exit_code(error))

    def print(self, value: T, render: Callable[[T], RenderableType], *, json: bool) -> None:
        """Print a result as a line of JSON, or as `render` shows it to people."""
        if json:
            self.print_json(value)
        else:
            shown = render(value)
            self.out.print(shown, soft_wrap=isinstance(shown, str))

    def print_json(self, value: object) -> None:
        """Print one line of JSON."""
        typer.echo(msgspec.json.encode(value))


def operator() -> Principal:
    """Return the principal of the command line: who may run it on this machine may do everything."""
    subject = f"user:{decider(None)}"
    return Principal(subject=subject, permissions=frozenset(Permission), address=socket.gethostname(), fresh=True)


def exit_code(error: Exception) -> int:
    """Return the exit code of a command that fails with this error."""
    return next(code for kind, code in EXIT_CODES.items() if isinstance(error, kind))


def first_core_error(group: BaseException) -> CoreError:
    """Return the first error of nested groups of core errors."""
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    assert isinstance(group, CoreError)  # noqa: S101 - the group was split by this type
    return group


def stop_on_signals(*, twice_ends_at_once: bool = True) -> asyncio.Event:
    """Return an event that Ctrl-C and SIGTERM set; a second one ends the process with 128 and its number."""
    stop = asyncio.Event()

    def on_signal(number: int) -> None:
        if stop.is_set() and twice_ends_at_once:
            os._exit(128 + number)  # as process 1 of a container has no signal that ends it
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number)
    return stop
