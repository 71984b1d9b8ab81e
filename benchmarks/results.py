"""The results of a benchmark run: summary, output and storage."""

import json
import os
import platform
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks import plot
from benchmarks.bars import Verdict, verdicts
from benchmarks.environment import Figures

KEPT, PLOT = (Path(__file__).with_name(name) for name in ("results.json", "submissions.svg"))
PEERS = ("peer", "peer on Litestar")
LIBRARIES = ("bursar", "aiokafka", "asyncmy", "fastapi", "litestar", "sqlalchemy", "uvicorn")


@dataclass(slots=True)
class Results:
    """Every figure of every run."""

    figures: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    load: dict[str, float] = field(default_factory=dict)
    """The load of the machine at the start of each stage."""
    mysql: str = ""
    """The version of MySQL."""

    def add(self, figures: Figures) -> None:
        """Record the figures of one run."""
        for name, value in figures.items():
            self.figures[name].append(value)

    def as_json(self) -> dict[str, Any]:
        """Return the medians, the single runs and the environment."""
        return {
            **relative_to_peers(self.medians()),
            "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "versions": {name: version(name) for name in LIBRARIES} | {"mysql": self.mysql},
            "load": self.load,
            "figures": {name: summary(runs) for name, runs in self.figures.items()},
            "verdicts": [asdict(verdict) for verdict in self.verdicts()],
        }

    def medians(self) -> dict[str, float]:
        """Return the median of each figure."""
        return {name: median(runs) for name, runs in self.figures.items()}

    def verdicts(self) -> list[Verdict]:
        """Return the verdict about each figure that has a bar."""
        medians = self.medians()
        return list(verdicts(medians | relative_to_peers(medians)))


def relative_to_peers(medians: Figures) -> dict[str, float]:
    """Return the ratios at 64 connections, to the better peer and to HTTP without storage, and the 99th percentile."""
    ours = "submissions/s, 64 connections, bursar"
    if ours not in medians:
        return {}
    return {
        "ratio_to_peer": round(medians[ours] / max(medians[ours.replace("bursar", each)] for each in PEERS), 2),
        "ratio_to_ceiling": round(medians[ours] / medians[ours.replace("bursar", "http alone")], 2),
        "p99_ms": round(medians["submission p99 ms, 64 connections, bursar"], 1),
    }


def summary(runs: list[float]) -> dict[str, Any]:
    """Return the median of runs, and the single runs."""
    return {"median": round(median(runs), 2), "runs": [round(value, 2) for value in runs]}


def keep(found: Results) -> None:
    """Merge the figures into the stored results, and plot them."""
    known = json.loads(KEPT.read_text(encoding="utf-8"))
    earlier = {name: each["runs"] for name, each in known["figures"].items()}
    whole = Results(defaultdict(list, earlier | found.figures), known["load"] | found.load, found.mysql)
    KEPT.write_text(json.dumps(whole.as_json(), indent=2) + "\n", encoding="utf-8")
    if "submissions" in whole.load:
        PLOT.write_text(plot.submissions(whole.medians()), encoding="utf-8")


def show(found: Results, *, as_json: bool) -> None:
    """Print a line of JSON, a table for a terminal, or plain lines for a pipe."""
    told = found.as_json()
    if as_json:
        typer.echo(json.dumps(told))
        return
    if sys.stdout.isatty():
        table = Table("figure", "median", "lowest", "highest")
        for name, runs in found.figures.items():
            table.add_row(name, *(f"{value:,.1f}" for value in (median(runs), min(runs), max(runs))))
        Console().print(table)
    else:
        for name, runs in found.figures.items():
            typer.echo(f"{name}\t{median(runs):.2f}\t{min(runs):.2f}\t{max(runs):.2f}")
    for name in "ratio_to_peer", "ratio_to_ceiling", "p99_ms":
        if name in told:
            typer.echo(f"{name}\t{told[name]}")
    show_verdicts(found.verdicts())


def show_verdicts(judged: list[Verdict]) -> None:
    """Print what was wanted and measured: a table for a terminal, or plain lines for a pipe."""
    rows = [(each.figure, each.wanted, f"{each.measured:,.2f}", each.verdict) for each in judged]
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(row))
    elif rows:
        table = Table("figure", "wanted", "measured", "verdict")
        for row in rows:
            table.add_row(*row, style="red" if row[-1] == "missed" else None)
        Console().print(table)
