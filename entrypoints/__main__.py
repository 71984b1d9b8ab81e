"""The command `bursar`: the only module that knows the command line and the composition root."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from entrypoints.cli.runtime import Runtime
from entrypoints.cli.streams import faults_of_files, open_closed_streams, write_utf8
from entrypoints.contexts import create_bursar


@asynccontextmanager
async def open_runtime(path: Path | None, changes: Mapping[str, Any]) -> AsyncIterator[Runtime]:
    """Open what a configuration file describes; without one, the local profile."""
    # Half of the time of `bursar --help` would go into the composition root, which the command line needs only here.
    from config.container import Application, running
    from config.settings_file import load
    from entrypoints.routes import ROUTES
    from entrypoints.runtime.configured_runtime import ConfiguredRuntime
    from entrypoints.runtime.sample_data import CONFIG_DIRECTORY

    settings = load(path or CONFIG_DIRECTORY / "local.toml", changes=changes)
    async with running(Application(settings=settings, routes=ROUTES)) as application:
        yield ConfiguredRuntime(application, settings, path)


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    write_utf8()
    with faults_of_files():
        create_bursar(open_runtime)()


if __name__ == "__main__":
    main()
