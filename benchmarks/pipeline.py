"""`just bench`: throughput and latency of each stage on real servers."""

import os
from contextlib import nullcontext
from typing import Annotated

import typer

from benchmarks import results
from benchmarks.environment import benchmark_environment
from benchmarks.stages import DEPTH, STAGES
from tests import containers as stack

QUICK_RUN_DIVISOR = 20
"""The factor by which a quick run is smaller; it also runs each stage once."""


def main(
    only: Annotated[str, typer.Option(help=f"Some of {','.join(STAGES)}, with commas between.")] = ",".join(STAGES),
    quick: Annotated[bool, typer.Option(help="Less of everything, once: to see that it runs.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON instead of a table.")] = False,
) -> None:
    """Measure and print all stages; a complete run also updates benchmarks/results.json."""
    named = only.split(",")
    chosen = list(dict.fromkeys([*named, *(f"{name}{DEPTH}" for name in named if f"{name}{DEPTH}" in STAGES)]))
    if unknown := set(chosen) - STAGES.keys():
        raise typer.BadParameter(f"no such stage: {', '.join(sorted(unknown))}", param_hint="--only")
    needs_kafka = any(STAGES[name].kafka for name in chosen)
    found = results.Results()
    with stack.mysql() as mysql, stack.kafka() if needs_kafka else nullcontext() as kafka:
        for name in chosen:
            stage = STAGES[name]
            found.load[name] = os.getloadavg()[0]
            for turn in range(1 if quick else stage.times):
                typer.echo(f"{name}, run {turn + 1} …", err=True)
                with benchmark_environment(mysql, kafka if stage.kafka else None) as environment:
                    found.mysql = environment.sql("SELECT VERSION()")[0][0]
                    found.add(stage.measure(environment, stage.number // QUICK_RUN_DIVISOR if quick else stage.number))
            if not quick:
                results.keep(found)
    results.show(found, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
