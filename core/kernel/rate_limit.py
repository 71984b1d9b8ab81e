"""The port of rate limits: how often something may happen in a sliding window, counted for all processes."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.kernel.errors import CoreError

SLICES = 10
"""Parts of a window that are counted and expire as a whole: the window slides by a tenth of its length."""
SLICES_COUNTED = SLICES + 1
"""The slices that a window of any beginning can touch."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `permits` in any `seconds`; a permit is free again after `seconds`, at the latest a tenth later."""

    name: str
    permits: int
    seconds: int

    @property
    def slice_ms(self) -> int:
        """The length of a slice in milliseconds."""
        return self.seconds * 1_000 // SLICES


@dataclass(frozen=True, slots=True)
class Verdict:
    """What remains of the limit that is closest to its end; where one refuses, of that which refuses for longest."""

    allowed: bool
    limit: Limit
    remaining: int
    wait_seconds: float
    """Until the first of the permits in use is free again."""


class RateLimited(CoreError):
    """Too many requests; the same request is accepted after `Retry-After` seconds."""

    problem = "rate-limited"

    def __init__(self, detail: str = "", *, retry_after: float) -> None:
        super().__init__(detail)
        self.retry_after = retry_after

    @classmethod
    def by(cls, verdict: Verdict) -> "RateLimited":
        """Return the error for a refusal."""
        limit = verdict.limit
        allowed = f"the limit `{limit.name}` allows {limit.permits} in {limit.seconds} seconds"
        return cls(allowed, retry_after=verdict.wait_seconds)


class RateLimiter(Protocol):
    """Counts by key; neither call ever raises: an adapter without its server counts in its own process."""

    @abstractmethod
    async def acquire(self, wanted: Mapping[str, Limit]) -> Verdict:
        """Take a permit of each key, or of none where one of the limits is reached."""

    @abstractmethod
    async def release(self, taken: Mapping[str, Limit]) -> None:
        """Return a permit of each key, for what turned out not to count."""


def judge(wanted: Mapping[str, Limit], counted: Iterable[tuple[int, int]]) -> Verdict:
    """Return the verdict on limits by the permits in use of each and the milliseconds until the first is free."""
    limit, (used, wait_ms) = max(zip(wanted.values(), counted, strict=True), key=severity)
    remaining = limit.permits - used - 1
    return Verdict(remaining >= 0, limit, max(remaining, 0), wait_ms / 1_000)


def severity(judged: tuple[Limit, tuple[int, int]]) -> tuple[bool, int]:
    """Order limits: those that refuse by their wait, after the others by what remains."""
    limit, (used, wait_ms) = judged
    refuses = used >= limit.permits
    return refuses, wait_ms if refuses else used - limit.permits
