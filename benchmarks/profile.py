"""`just profile`: the parts of the time of one submission, as a table in benchmarks/README.md."""

import json
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks import seed
from benchmarks.contenders import LOGGING, load, submitting
from benchmarks.environment import BenchmarkEnvironment, benchmark_environment
from benchmarks.http_stages import CONNECTION_COUNT
from benchmarks.installed import installed
from tests import containers as stack

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- profile -->", "<!-- /profile -->"
WARM_UP, CANDIDATE_COUNT, MOST = 2.0, 200_000, 3
"""Seconds before sampling, candidates, and functions named per part."""


def main(seconds: Annotated[float, typer.Option(help="Seconds of sampling.")] = 10) -> None:
    """Sample one worker while 64 clients submit, and print the table."""
    with stack.mysql() as mysql, benchmark_environment(mysql, None) as environment:
        found, submitted = measure(environment, seconds)
    table = "\n".join(rows(found, submitted))
    typer.echo(table)
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    README.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


def measure(environment: BenchmarkEnvironment, seconds: float) -> tuple[Any, int]:
    """Return the number of samples per function, and of submissions meanwhile."""
    names, file = seed.candidates(environment, CANDIDATE_COUNT, "load"), environment.folder / "samples.json"
    words = [installed("python"), "-m", "benchmarks.profiled", str(file), "serve"]
    with environment.run(words, environment.variables(SERVE="http", **LOGGING)) as process:
        warm = load(process, CONNECTION_COUNT, WARM_UP, submitting("load", names))
        process.popen.send_signal(signal.SIGUSR1)
        rest = names[sum(warm["answers"].values()) + CONNECTION_COUNT :]
        submitted = sum(load(process, CONNECTION_COUNT, seconds, submitting("load", rest))["answers"].values())
        process.popen.send_signal(signal.SIGUSR1)
        process.until(file.exists)
        return json.loads(file.read_text(encoding="utf-8")), submitted


def rows(found: Any, submitted: int) -> Sequence[str]:
    """Return a table of parts, the most expensive first."""
    samples = sum(count for *_, count in found["seen"])
    each = found["seconds"] / submitted * 1e6 / samples
    """Microseconds of one submission per sample."""
    parts, functions = Counter[str](), Counter[tuple[str, str]]()
    for part, where, count in found["seen"]:
        parts[part] += count
        functions[part, where] += count
    table = ["| part | µs | share | most of it in |", "|---|--:|--:|---|"]
    for part, count in parts.most_common():
        most = [f"`{where}`" for (owner, where), _ in functions.most_common() if owner == part and where][:MOST]
        table.append(f"| {part} | {count * each:,.0f} | {count / samples:.0%} | {', '.join(most)} |")
    return [
        *table,
        f"| **together** | **{samples * each:,.0f}** | | {samples:,} samples of {submitted:,} submissions |",
    ]


if __name__ == "__main__":
    typer.run(main)
