"""The port of rate limits: how often something may happen in a sliding window, counted for all processes."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

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
    slice_ms: int = field(init=False, repr=False, compare=False)
    """The length of a slice in milliseconds."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "slice_ms", self.seconds * 1_000 // SLICES)


class Verdict(NamedTuple):
    """What remains of the limit that is closest to its end; where one refuses, of that which refuses for longest."""

    # A tuple, because each request makes one, and a frozen dataclass takes three times as long.

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
    async def acquire(self, wanted: Mapping[str, Limit], permits: int = 1) -> Verdict:
        """Take permits of each key, or of none where one of the limits has fewer left."""

    @abstractmethod
    async def release(self, taken: Mapping[str, Limit]) -> None:
        """Return a permit of each key, for what turned out not to count."""


def judge(wanted: Mapping[str, Limit], counted: Iterable[tuple[int, int]], permits: int) -> Verdict:
    """Return the verdict on limits by the permits in use of each and the milliseconds until the first is free."""
    judged = list(zip(wanted.values(), counted, strict=True))
    limit, (used, wait_ms) = (
        judged[0] if len(judged) == 1 else max(judged, key=lambda each: severity(each[0], each[1], permits))
    )
    left = limit.permits - used
    return Verdict(left >= permits, limit, max(left - permits if left >= permits else left, 0), wait_ms / 1_000)


def severity(limit: Limit, counted: tuple[int, int], permits: int) -> tuple[bool, int]:
    """Order limits: those that refuse by their wait, after the others by what remains."""
    used, wait_ms = counted
    refuses = used + permits > limit.permits
    return refuses, wait_ms if refuses else used - limit.permits
