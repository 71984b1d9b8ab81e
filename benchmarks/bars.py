"""What the measured figures shall be: the table of benchmarks/README.md says the same."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A limit of one figure."""

    stage: str
    figure: str
    wanted: float
    at_most: bool = False
    or_else: "Bar | None" = None
    """The bar that keeps this one too."""

    def __str__(self) -> str:
        limit = f"{'≤' if self.at_most else '≥'} {self.wanted:,}"
        return f"{limit}, or {self.or_else.figure} {self.or_else}" if self.or_else else limit

    def kept_by(self, figures: Mapping[str, float]) -> bool:
        """Return whether a figure, or that of the other bar, is as good as wanted."""
        measured = figures[self.figure]
        if measured <= self.wanted if self.at_most else measured >= self.wanted:
            return True
        return self.or_else is not None and self.or_else.figure in figures and self.or_else.kept_by(figures)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A bar and what was measured."""

    figure: str
    wanted: str
    measured: float
    verdict: str


def at_least(stage: str, figure: str, wanted: float, or_else: Bar | None = None) -> Bar:
    """Return the bar of a figure that shall be great."""
    return Bar(stage, figure, wanted, or_else=or_else)


def at_most(stage: str, figure: str, wanted: float) -> Bar:
    """Return the bar of a figure that shall be small."""
    return Bar(stage, figure, wanted, at_most=True)


BARS = (
    at_least("submissions", "ratio_to_peer", 8),
    at_least("submissions", "ratio_to_ceiling", 0.5),
    at_most("submissions", "submission p99 ms, 64 connections, bursar", 50),
    at_most("submissions", "submission p50 ms, 1 connections, bursar", 2.5),
    at_most("submissions", "peak MiB, bursar", 150),
    at_least("reading", "reads by id/s", 5_000, at_least("reading", "reads by id / http alone", 0.9)),
    at_least("reading", "quotes/s", 9_000),
    at_least("workers", "two workers / one, each with cores of its own", 1.6),
    at_least("workers", "two workers / one, half a core each", 1.6),
    at_least("embedded", "embedded, HTTP alone, submissions/s", 1_500),
    at_most("start", "bursar serve answers, s", 1.5),
    at_most("start", "import, s", 0.6),
    at_most("start", "bursar --help, s", 0.3),
    at_least("relay", "relay, events/s", 5_000),
    at_least("consumer", "consumer, effects/s", 2_500),
    at_least("dispatcher", "dispatcher, deliveries/s", 1_500),
    at_most("latency", "commit to broker, median ms", 15),
    at_most("traces", "relay, CPU with traces of 1 % / without", 1.03),
    at_most("traces", "consumer, CPU with traces of 1 % / without", 1.03),
    at_most("idle", "idle, queries/s", 5),
    at_most("backlog", "backlog, peak MiB", 250),
    at_most("backlog", "backlog, last tenth per row / first tenth", 1.2),
    at_least("allocations", "allocations/s, HTTP, 1,000 skus", 800),
    at_least("allocations", "allocations/s, HTTP, one sku", 800),
    at_least("hot-sku", "allocations/s, messages, one sku", 1_000),
    at_least("identity", "sign-ins per second of a core", 30),
    at_least("identity", "durable refreshes/s", 800),
    at_most("identity", "verification µs of a core, cached", 150),
    at_most("identity", "verification µs of a core, first", 150),
    at_most("identity", "verification µs of a core, API key", 150),
    at_most("identity", "sign-in p99 ms, 600 clients", 3_000),
    at_most("large-bodies", "attacked / beside others", 1.2),
    at_least("payments", "payments, payments posted and receipted/s (bar: 500)", 500),
    at_least("settlements", "settlement lines/s (bar: 16,667)", 16_667),
    at_least("depth", "many stored / few", 0.85),
)
"""Other stages, whose rows of the table compare several figures, have no verdict."""


def verdicts(figures: Mapping[str, float]) -> Iterator[Verdict]:
    """Yield the verdict about each measured figure that has a bar."""
    for bar in BARS:
        if bar.figure in figures:
            verdict = "kept" if bar.kept_by(figures) else "missed"
            yield Verdict(bar.figure, str(bar), figures[bar.figure], verdict)
