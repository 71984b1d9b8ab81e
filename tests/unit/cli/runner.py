"""A fee office in memory, and a terminal in front of it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.memory.database import Store
from config.container import Application
from config.settings import Adapters, Settings
from entrypoints.__main__ import ConfiguredRuntime
from entrypoints.cli.app import create_cli
from tests.examples import StoppedClock


class CliRunner:
    """Runs commands in this process, which takes no second to start."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._settings, self._capsys = Settings(adapters=Adapters(persistence="memory")), capsys
        self.application = Application(settings=self._settings)
        self.application.driven.clock.override(StoppedClock())

    @property
    def store(self) -> Store:
        store: Store = self.application.driven.store()
        return store

    def run(self, *words: str) -> tuple[int, str, str]:
        """Return how a command ended, what it printed, and what it complained about."""

        @asynccontextmanager
        async def open_runtime(_path: Path | None, _changes: Mapping[str, Any]) -> AsyncIterator[ConfiguredRuntime]:
            yield ConfiguredRuntime(self.application, self._settings)

        with capture_logs(), pytest.raises(SystemExit) as ended:  # commands are quiet
            create_cli(open_runtime)(words)
        return int(ended.value.code or 0), *self._capsys.readouterr()
