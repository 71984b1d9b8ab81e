"""The metrics of this process, or of several, in the text format of Prometheus."""

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

METRICS_CONTENT_TYPE = CONTENT_TYPE_LATEST


async def exposition(folder: str | None) -> bytes:
    """Return the sum of the processes that write into `folder`; without one, the metrics of this process."""
    registry = REGISTRY
    if folder is not None:
        MultiProcessCollector(registry := CollectorRegistry(), folder)  # type: ignore[no-untyped-call]
    return await asyncio.to_thread(generate_latest, registry)  # with many labels it takes 0.1 s
