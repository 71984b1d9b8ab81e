"""The metrics of running processes, as they publish them to Prometheus."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_SECONDS = 3.0
SUMS = {
    "requests": ("bursar_http_seconds_count", {}),
    "errors": ("bursar_http_seconds_count", {"status": "5"}),
    "submissions": ("bursar_use_case_seconds_count", {"use_case": "SubmitExamFee", "outcome": "done"}),
    "published": ("bursar_events_published_total", {}),
    "buried": ("bursar_messages_buried_total", {}),
}
"""The counters that are summed: a metric, and how the values of its labels begin."""


@dataclass(frozen=True, slots=True)
class ProcessMetrics:
    """What one process has published."""

    address: str
    text: str = ""
    fault: str = ""
    """Why it did not answer."""
    totals: Mapping[str, float] = field(default_factory=dict)
    lag_seconds: float | None = None
    """Of the projection that is furthest behind."""


async def read_metrics(addresses: Sequence[str]) -> list[ProcessMetrics]:
    """Return the metrics of each process."""
    return await asyncio.gather(*(asyncio.to_thread(read, address) for address in addresses))


def read(address: str) -> ProcessMetrics:
    """Return the metrics of one process."""
    from prometheus_client.parser import text_string_to_metric_families

    if not address.startswith(("http://", "https://")):
        return ProcessMetrics(address, fault="the address is http://host:port")
    try:
        with urlopen(f"{address.rstrip('/')}/metrics", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
            text = answer.read().decode()
    except (OSError, URLError, ValueError) as error:
        return ProcessMetrics(address, fault=str(getattr(error, "reason", error)))
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    totals = {
        name: sum(
            each.value
            for each in samples
            if each.name == metric and all(each.labels.get(key, "").startswith(start) for key, start in labels.items())
        )
        for name, (metric, labels) in SUMS.items()
    }
    lags = [each.value for each in samples if each.name == "bursar_projection_lag_seconds"]
    return ProcessMetrics(address, text, "", totals, max(lags, default=None))


def rates(before: ProcessMetrics, after: ProcessMetrics, seconds: float) -> dict[str, float]:
    """Return what happened in a second between two readings; a restarted process counts from 0."""
    return {
        name: round(max(total - before.totals.get(name, 0.0), 0.0) / seconds, 1) for name, total in after.totals.items()
    }
