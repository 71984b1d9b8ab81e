"""Read-your-writes: a read waits until the projection contains a required version."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from core.inventory.names import NAME
from core.inventory.views import STOCK_VIEWS_CHANGED, ProjectionProgress
from core.kernel.constraints import Text
from core.kernel.signals import Signals

VERSION_TOKEN = Text(
    "a sku and the version of a line or batch, for example EXAM-KIT:17", f"({NAME.pattern}):([0-9]{{1,9}})"
)
MAX_WAIT_SECONDS = 5.0
DEFAULT_WAIT_SECONDS = 1.0
"""Applies to a version token without `seconds`."""
MAX_CONCURRENT_LOOKUPS = 256
MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.01, 0.25
"""Polling finds changes of a projection that another process updates, which sends no signal."""


class SkuVersion(NamedTuple):
    """A version token: the sku and `version` of a line or batch from an earlier answer."""

    sku: str
    version: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Parse a token such as `EXAM-KIT:17`; raise `Invalid`."""
        VERSION_TOKEN.check("at_least", text)
        sku, _, version = text.rpartition(":")
        return cls(sku, int(version))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """The version that a view must contain: `at_least`, else the stored one; a read waits up to `seconds` for it."""

    at_least: SkuVersion | None = None
    seconds: float | None = None

    async def wait_for(
        self,
        stored_versions: Callable[[], Awaitable[Mapping[str, int]]],
        projection_progress: ProjectionProgress,
        signals: Signals,
    ) -> bool | None:
        """Return whether the view reached the version in time; None if no version is required."""
        if self.at_least is None and self.seconds is None:
            return None
        wanted: Mapping[str, int] = dict([self.at_least]) if self.at_least else await stored_versions()
        loop, pause = asyncio.get_running_loop(), MIN_POLL_INTERVAL_SECONDS
        until = loop.time() + min(DEFAULT_WAIT_SECONDS if self.seconds is None else self.seconds, MAX_WAIT_SECONDS)
        while True:
            changed = signals.listen(STOCK_VIEWS_CHANGED)
            if not (wanted := await versions_behind(wanted, projection_progress)):
                return True
            if (left := until - loop.time()) <= 0:
                return False
            await signals.wait(changed, min(pause, left))
            pause = min(pause * 2, MAX_POLL_INTERVAL_SECONDS)


async def versions_behind(wanted: Mapping[str, int], projection_progress: ProjectionProgress) -> Mapping[str, int]:
    """Return the required versions that the view does not contain yet, by sku."""
    left = dict(wanted)
    for begin in range(0, len(wanted), MAX_CONCURRENT_LOOKUPS):
        some = list(wanted)[begin : begin + MAX_CONCURRENT_LOOKUPS]
        for sku, version in zip(some, await asyncio.gather(*map(projection_progress.version, some)), strict=True):
            if version >= wanted[sku]:
                del left[sku]
    return left


def staleness_hint(caught_up: bool | None) -> str:
    """Return the end of a not-found message: a hint to retry if the view may be stale."""
    return "; the view does not contain the required version yet: try again" if caught_up is False else ""
