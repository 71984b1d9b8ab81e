from itertools import pairwise
from xml.etree import ElementTree

from benchmarks import plot

SVG = "{http://www.w3.org/2000/svg}"


def measured(**fastest: float) -> dict[str, float]:
    """Return rates at each number of connections, each half of the next."""
    rates = {name.replace("_", " "): rate for name, rate in fastest.items()}
    rates |= {"bursar, single commits": 900.0, "peer on Litestar": 800.0}
    figures = {"submissions/s, mysql alone": 22_000.0}
    for name, rate in rates.items():
        for at, count in enumerate(reversed(plot.CONNECTION_COUNTS)):
            figures[f"submissions/s, {count} connections, {name}"] = rate / 2**at
    return figures


def test_each_contender_has_a_line_and_a_faster_one_is_higher() -> None:
    svg = ElementTree.fromstring(plot.submissions(measured(bursar=6_000.0, peer=690.0, http_alone=12_000.0)))
    lines = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in svg.iter(f"{SVG}polyline")
    ]
    ours, single, peer, litestar, http_alone, mysql_alone = (places[-1][1] for places in lines)
    assert mysql_alone < http_alone < ours < single < litestar < peer
    assert all(plot.TOP <= y <= plot.BOTTOM and plot.LEFT <= x <= plot.RIGHT for places in lines for x, y in places)


def test_no_name_is_written_over_another() -> None:
    svg = ElementTree.fromstring(plot.submissions(measured(bursar=6_000.0, peer=899.0, http_alone=6_001.0)))
    wanted = {name for name, _ in plot.LOOKS.values()}
    heights = sorted(float(each.attrib["y"]) for each in svg.iter(f"{SVG}text") if each.text in wanted)
    assert len(heights) == len(wanted)
    assert all(after - before >= 14 for before, after in pairwise(heights))
