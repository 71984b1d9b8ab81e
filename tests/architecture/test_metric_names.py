"""A metric says its unit, and its labels are known with their values."""

import re
from pathlib import Path

import pytest

from docs.generator.metrics import LABELS, every_metric, has_value

PAGE = Path(__file__).parents[2] / "docs/reference/metrics.md"
METRICS = {each._name: each for each in every_metric()}
OF_A_TIME = re.compile(r"\b(time|how long|age|when|how far)\b", re.IGNORECASE)
UNBOUNDED = ["3f4154ec-d78a-7000-8000-000000000000", "asha@example.org", "+919876543210", "10.0.0.7", "W-17"]


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_a_time_or_a_size_ends_with_its_unit(name: str) -> None:
    metric = METRICS[name]

    assert name.startswith("bursar_")
    assert metric._documentation
    if metric._type != "counter" and OF_A_TIME.match(metric._documentation):
        assert name.endswith("_seconds"), metric._documentation
    assert ("room" in metric._documentation.lower() or "size" in metric._documentation) == name.endswith("_bytes")


def test_every_label_is_documented_and_none_is_an_id_or_an_address() -> None:
    used = {label for metric in METRICS.values() for label in metric._labelnames}

    assert used == set(LABELS)
    assert [(label, value) for label in LABELS for value in UNBOUNDED if has_value(label, value)] == []


def test_the_page_has_every_metric() -> None:
    page = PAGE.read_text()

    assert [name for name in METRICS if f"`{name}`" not in page and f"`{name}_total`" not in page] == []
