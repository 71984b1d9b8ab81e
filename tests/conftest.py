"""What every process of a run does; one that only hands out tests to others needs no fixtures."""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from tests.machine import use_of_the_machine


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--require-stack", action="store_true", help="fail tests whose servers cannot be started")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    for reason, count in Counter(each.longrepr[2].removeprefix("Skipped: ") for each in skipped).items():
        terminalreporter.write_line(f"{count} tests did not run: {reason}", yellow=True, bold=True)


@pytest.hookimpl(trylast=True)  # after pytest-xdist
def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("dsession"):
        config.pluginmanager.import_plugin("tests.fixtures")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files with tests that are marked `alone` first: there each waits for a short test, not for minutes."""
    files = {item.path for item in items if item.get_closest_marker("alone")}
    items.sort(key=lambda item: item.path not in files)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep the other workers of a run from disturbing a test that is marked `alone`."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    folder = Path(item.config.option.basetemp).parent  # of the run; that of a worker is within it
    with use_of_the_machine(folder, alone=item.get_closest_marker("alone") is not None):
        return (yield)


async def eventually(check: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds; fail after the time limit."""
    async with asyncio.timeout(seconds):
        while not (found := check()):
            await asyncio.sleep(0.02)
        del found
