"""`just bench`: throughput and latency of each stage on real servers."""

import os
from contextlib import nullcontext
from typing import Annotated

import typer

from benchmarks import results
from benchmarks.environment import benchmark_environment
from benchmarks.stages import COMPANIONS, STAGES
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
    companions = [name + end for name in named for end in COMPANIONS if name + end in STAGES]
    chosen = list(dict.fromkeys([*named, *companions]))
    if unknown := set(chosen) - STAGES.keys():
        raise typer.BadParameter(f"no such stage: {', '.join(sorted(unknown))}", param_hint="--only")
    stages = [STAGES[name] for name in chosen]
    needs_kafka, needs_rabbitmq = any(each.kafka for each in stages), any(each.rabbitmq for each in stages)
    found = results.Results()
    with (
        stack.mysql() as mysql,
        stack.kafka() if needs_kafka else nullcontext() as kafka,
        stack.rabbitmq() if needs_rabbitmq else nullcontext() as rabbitmq,
    ):
        for name in chosen:
            stage = STAGES[name]
            found.load[name] = os.getloadavg()[0]
            for turn in range(1 if quick else stage.times):
                typer.echo(f"{name}, run {turn + 1} …", err=True)
                brokers = kafka if stage.kafka else None, rabbitmq if stage.rabbitmq else None
                with benchmark_environment(mysql, *brokers) as environment:
                    found.mysql = environment.sql("SELECT VERSION()")[0][0]
                    found.add(stage.measure(environment, stage.number // QUICK_RUN_DIVISOR if quick else stage.number))
            if not quick:
                results.keep(found)
    results.show(found, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
