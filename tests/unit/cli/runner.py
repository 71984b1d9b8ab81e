"""Runs commands over an application in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from structlog.testing import capture_logs

from adapters.memory.engine.database import MemoryDatabase
from config.settings import Adapters, Settings
from core.messaging.routing import Routes
from entrypoints.contexts import create_bursar
from entrypoints.routes import ROUTES
from entrypoints.runtime.configured_runtime import ConfiguredRuntime
from tests.applications import an_application
from tests.examples import StoppedClock


@cache
def command_of() -> Any:
    """Return the command, which costs 30 ms to build, for the runtime that `RUNTIMES` has last."""

    @asynccontextmanager
    async def open_runtime(_path: Path | None, _changes: Mapping[str, Any]) -> AsyncIterator[ConfiguredRuntime]:
        yield RUNTIMES[-1]

    return typer.main.get_command(create_bursar(open_runtime))


IN_MEMORY = Adapters(persistence="memory")
RUNTIMES: list[ConfiguredRuntime] = []


class CliRunner:
    """Runs commands in this process, which saves the start of another."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], routes: Routes = ROUTES, adapters: Adapters = IN_MEMORY
    ) -> None:
        self._settings, self._capsys = Settings(adapters=adapters), capsys
        self.application = an_application(self._settings, routes)
        self.application.process.clock.override(StoppedClock())

    @property
    def store(self) -> MemoryDatabase:
        store: MemoryDatabase = self.application.storage.memory()
        return store

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return the exit code, standard output and standard error of a command."""
        RUNTIMES[:] = [ConfiguredRuntime(self.application, self._settings)]
        with capture_logs(), pytest.raises(SystemExit) as ended:  # keep log lines out of the output
            command_of()(words)
        return int(ended.value.code or 0), *self._capsys.readouterr()
