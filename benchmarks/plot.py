"""An SVG plot of submissions per second by connections, readable on light and dark backgrounds."""

from collections.abc import Iterator, Sequence
from itertools import chain
from math import ceil, floor, log10

from benchmarks.environment import Figures

WIDTH, HEIGHT = 780, 420
LEFT, RIGHT, TOP, BOTTOM = 80, 540, 30, 360
CONNECTION_COUNTS = (1, 16, 64, 256)
DATABASE_CEILING = "mysql alone"
LOOKS = {
    "bursar": ("Bursar", "#2f81f7"),
    "bursar, single commits": ("Bursar, one commit each", "#8957e5"),
    "peer": ("FastAPI, SQLAlchemy ORM", "#d1242f"),
    "peer on Litestar": ("Litestar, SQLAlchemy ORM", "#db6d28"),
    "http alone": ("our HTTP, nothing stored", "#1a9e55"),
    DATABASE_CEILING: ("MySQL alone, 256 at a time", "#bf8700"),
}
STYLE = """<style>
text { font: 13px system-ui, sans-serif; fill: #57606a } .grid { stroke: #8b949e; stroke-opacity: 0.35 }
polyline { fill: none; stroke-width: 2.5 } .dashed { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) { text { fill: #adbac7 } }
</style>"""
Point = tuple[float, float]


def submissions(medians: Figures) -> str:
    """Plot every contender on a logarithmic scale."""
    rates = {name: rates_of(name, medians) for name in LOOKS}
    low, high = (turn(log10(pick(chain(*rates.values())))) for turn, pick in ((floor, min), (ceil, max)))
    lines = {
        name: [(x(at), BOTTOM - (BOTTOM - TOP) * (log10(rate) - low) / (high - low)) for at, rate in enumerate(each)]
        for name, each in rates.items()
    }
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            "<title>Submissions a second by connections</title>",
            STYLE,
            *axes(low, high),
            *(f'<polyline {look(name)} points="{points(places)}"/>' for name, places in lines.items()),
            *names(lines),
            "</svg>\n",
        ]
    )


def rates_of(name: str, medians: Figures) -> list[float]:
    """Return the rate at each number of connections; the database alone has no client connections."""
    if name == DATABASE_CEILING:
        return [medians[f"submissions/s, {name}"]] * len(CONNECTION_COUNTS)
    return [medians[f"submissions/s, {count} connections, {name}"] for count in CONNECTION_COUNTS]


def x(at: int) -> float:
    """Return the coordinate of a number of connections."""
    return LEFT + (RIGHT - LEFT) * at / (len(CONNECTION_COUNTS) - 1)


def axes(low: int, high: int) -> Iterator[str]:
    """Draw a line per power of ten, and the axis labels."""
    for power in range(low, high + 1):
        y = BOTTOM - (BOTTOM - TOP) * (power - low) / (high - low)
        yield f'<line class="grid" x1="{LEFT}" y1="{y:.0f}" x2="{RIGHT}" y2="{y:.0f}"/>'
        yield text(LEFT - 10, y + 4, f"{10**power:,}", "end")
    for at, count in enumerate(CONNECTION_COUNTS):
        yield text(x(at), BOTTOM + 20, str(count), "middle")
    yield text((LEFT + RIGHT) / 2, BOTTOM + 44, "connections", "middle")
    yield text(LEFT, TOP - 12, "submissions a second (logarithmic)", "start")


def names(lines: dict[str, list[Point]]) -> Iterator[str]:
    """Label each curve at its end, without overlaps."""
    y = 0.0
    for name, places in sorted(lines.items(), key=lambda each: each[1][-1][1]):
        y = max(places[-1][1] + 4, y + 16)
        yield text(RIGHT + 10, y, LOOKS[name][0], "start", f' style="fill: {LOOKS[name][1]}"')


def look(name: str) -> str:
    """Return the SVG attributes of a curve."""
    return f'stroke="{LOOKS[name][1]}"' + (' class="dashed"' if name.endswith("alone") else "")


def points(places: Sequence[Point]) -> str:
    """Return the points of a polyline."""
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in places)


def text(across: float, down: float, words: str, anchor: str, more: str = "") -> str:
    """Return a text element."""
    return f'<text x="{across:.0f}" y="{down:.0f}" text-anchor="{anchor}"{more}>{words}</text>'
