"""Counts the work of this process by whether it took effect: the figure that the alert `EffectsFail` judges."""

import os
from functools import cache
from typing import Literal

from prometheus_client import Counter

EFFECTS = Counter(
    "bursar_effects",
    "Requests, batches, polls of the outbox and jobs, by whether they took effect; a refusal for the reason of an"
    " input is done",
    ["transport", "outcome", "worker"],
)
WORKER = os.environ.get("BURSAR_WORKER", "0")
"""The number of this process among those of `http.workers`, whose counts have one sum; `0`: it has no such siblings."""
Transport = Literal["http", "consumer", "relay", "job"]


@cache
def _counts(transport: Transport) -> tuple[Counter, Counter]:
    """Return the counts of failed and of done work; both begin at zero, so that the first failure is an increase."""
    return EFFECTS.labels(transport, "failed", WORKER), EFFECTS.labels(transport, "done", WORKER)


def count_effect(transport: Transport, *, done: bool) -> None:
    """Count one piece of work; failed is what an outage or a defect prevented."""
    _counts(transport)[done].inc()
