"""`bursar support-bundle`: what a person who helps needs to know, without secrets and personal data."""

import asyncio
import io
import os
import platform
import tarfile
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from core.kernel.authorization import Permission, current_principal
from core.kernel.errors import CoreError
from core.kernel.health import check_probe
from entrypoints.cli.command_runner import AsJson, CommandRunner, ConfigFile
from entrypoints.cli.operations.process_metrics import read_metrics
from entrypoints.cli.operations.top import At
from entrypoints.cli.operations.waiting_work import waiting_work
from entrypoints.cli.runtime import Runtime

MAX_LOG_LINES = 5_000
Output = Annotated[Path, typer.Option(metavar="FILE", help="The archive; it must not exist.")]
Log = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A log file, whose end is added.")]
commands = typer.Typer()


@commands.command("support-bundle", epilog="Example: bursar support-bundle --config production.toml --log bursar.log")
def support_bundle(
    context: typer.Context,
    output: Output = Path("bursar-support.tar.gz"),
    at: At = None,
    log: Log = None,
    config: ConfigFile = None,
    json: AsJson = False,
) -> None:
    """Write versions, settings, doctor's findings, counts, metrics and the end of a log into one archive.

    Secrets, mailboxes and telephone numbers are replaced; only the owner can read the archive.
    """
    runner: CommandRunner = context.obj

    async def work(runtime: Runtime) -> list[str]:
        current_principal.get().require(Permission.SYSTEM_RUN)
        parts: dict[str, Any] = {"versions.json": versions(), "settings.json": runtime.described_settings()}
        parts["doctor.json"] = await asyncio.gather(*(check_probe(probe) for probe in runtime.probes()))
        parts["figures.json"] = await figures(runtime)
        texts = {name: msgspec.json.format(msgspec.json.encode(part)).decode() for name, part in parts.items()}
        for place, process in enumerate(await read_metrics(at or ()), 1):
            texts[f"metrics-{place}.txt"] = f"# {process.address} {process.fault}\n{process.text}"
        if log:
            texts["log.txt"] = await asyncio.to_thread(tail, log)
        archive(output, {name: runtime.masked(text) for name, text in texts.items()})
        return sorted(texts)

    names = runner.run(config, work)
    runner.print({"file": str(output), "parts": names}, lambda _: f"{output}: {', '.join(names)}", json=json)


def versions() -> Mapping[str, Any]:
    """Return the versions of the program, its libraries and the machine."""
    from importlib.metadata import distributions, version

    return {
        "bursar": version("bursar"),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "libraries": dict(sorted((each.name, each.version) for each in distributions())),
    }


async def figures(runtime: Runtime) -> Mapping[str, Any]:
    """Return schema, counts and ages; without a database, why."""
    try:
        state = await runtime.backlog.snapshot()
        standings = await runtime.use_cases.notifications.list_vendor_standings()
        return {
            "at": runtime.clock.now(),
            "schema": await runtime.figures.schema(),
            "outbox": {"waiting": state.waiting, "oldest": state.oldest, "relays": state.relays},
            "blocked_aggregates": len(state.blocked),
            "waiting": await waiting_work(runtime, state),
            "rows": await runtime.figures.rows(),
            # Without the vendor's words, which can name a recipient.
            "vendors": [[each.channel, each.vendor, each.breaker, each.calls, each.process] for each in standings],
        }
    except CoreError as error:
        return {"unavailable": str(error)}


def tail(file: Path) -> str:
    """Return the last lines of a file."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, maxlen=MAX_LOG_LINES))


def archive(file: Path, texts: Mapping[str, str]) -> None:
    """Write texts into a new archive that only its owner can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as opened, tarfile.TarFile.gzopen(None, "w", fileobj=opened) as packed:  # noqa: PTH123 - no path
        for name, text in texts.items():
            content = text.encode()
            entry = tarfile.TarInfo(f"bursar-support/{name}")
            entry.size, entry.mode = len(content), 0o600
            packed.addfile(entry, io.BytesIO(content))
