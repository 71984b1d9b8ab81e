"""`just bench`: how fast the way from commit to vendor is, on real servers."""

import json
import os
import platform
import sys
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.office import Office, an_office
from benchmarks.stages import STAGES
from tests import stack

RESULTS = Path(__file__).with_name("results.json")
LIBRARIES = ("bursar", "aiokafka", "asyncmy", "sqlalchemy")
QUICK = 20
"""A quick run has this much less to do, and does it once."""


def main(
    only: Annotated[str, typer.Option(help=f"Some of {','.join(STAGES)}, with commas between.")] = ",".join(STAGES),
    quick: Annotated[bool, typer.Option(help="Less of everything, once: to see that it runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")] = False,
) -> None:
    """Measure the pipeline, show the numbers, and keep those of a whole run in benchmarks/results.json."""
    chosen = only.split(",")
    if unknown := set(chosen) - STAGES.keys():
        raise typer.BadParameter(f"no such stage: {', '.join(sorted(unknown))}", param_hint="--only")
    with stack.mysql() as mysql, stack.kafka() as kafka:
        figures: dict[str, list[float]] = defaultdict(list)
        for name in chosen:
            measure, number, times = STAGES[name]
            for turn in range(1 if quick else times):
                typer.echo(f"{name}, run {turn + 1} …", err=True)
                with an_office(mysql, kafka) as office:
                    for figure, value in measure(office, number // QUICK if quick else number).items():
                        figures[figure].append(value)
                    about = about_the_run(office)
    found = {"quick": quick, **about, "figures": {name: summary(values) for name, values in figures.items()}}
    if not quick and set(chosen) == STAGES.keys():
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    show(found, as_json=as_json)


def about_the_run(office: Office) -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "versions": {name: version(name) for name in LIBRARIES} | {"mysql": office.sql("SELECT VERSION()")[0][0]},
        "load": os.getloadavg()[0],
    }


def summary(values: list[float]) -> dict[str, Any]:
    """Return the median of some runs, and how far they lie apart."""
    return {"median": round(median(values), 2), "runs": [round(value, 2) for value in values]}


def show(found: dict[str, Any], *, as_json: bool) -> None:
    """Print a line of JSON, a table for a person, or plain lines for a pipe."""
    if as_json:
        typer.echo(json.dumps(found))
    elif sys.stdout.isatty():
        table = Table("figure", "median", "lowest", "highest")
        for name, each in found["figures"].items():
            table.add_row(name, *(f"{value:,.1f}" for value in (each["median"], min(each["runs"]), max(each["runs"]))))
        Console().print(table)
    else:
        for name, each in found["figures"].items():
            typer.echo(f"{name}\t{each['median']}\t{min(each['runs'])}\t{max(each['runs'])}")


if __name__ == "__main__":
    typer.run(main)
