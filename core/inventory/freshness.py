"""How new a view has to be for whoever looks at it: to see what one has just written oneself, for one."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from core.inventory.names import NAME_PATTERN
from core.inventory.views import STOCK_VIEWS_CHANGED, ProjectionProgress
from core.kernel.errors import Invalid
from core.kernel.signals import Signals

VERSION_TOKEN_PATTERN = re.compile(f"({NAME_PATTERN.pattern}):([0-9]{{1,9}})")
MAX_WAIT_SECONDS = 5.0
"""Seconds that anybody is kept waiting."""
DEFAULT_WAIT_SECONDS = 1.0
"""Seconds that a token waits whose sender does not say for how long."""
MAX_CONCURRENT_LOOKUPS = 256
"""Skus that are looked up together."""
MIN_POLL_INTERVAL_SECONDS, MAX_POLL_INTERVAL_SECONDS = 0.01, 0.25
"""Between looks, where nobody rings because the views are fed by another process."""


class SkuVersion(NamedTuple):
    """A token: the sku and `version` of a line or batch that one was told of."""

    sku: str
    version: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `EXAM-KIT:17`."""
        if (found := VERSION_TOKEN_PATTERN.fullmatch(text)) is None:
            raise Invalid("`at_least` is the sku and the version of a line: EXAM-KIT:17", at="$.at_least")
        return cls(found[1], int(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """A view should know at least of one version, or else of what is stored as we look; `seconds` are waited for it."""

    at_least: SkuVersion | None = None
    seconds: float | None = None

    async def wait_for(
        self,
        stored_versions: Callable[[], Awaitable[Mapping[str, int]]],
        projection_progress: ProjectionProgress,
        signals: Signals,
    ) -> bool | None:
        """Return whether the view came so far in time; None where nothing is asked of it."""
        if self.at_least is None and self.seconds is None:
            return None
        wanted: Mapping[str, int] = dict([self.at_least]) if self.at_least else await stored_versions()
        loop, pause = asyncio.get_running_loop(), MIN_POLL_INTERVAL_SECONDS
        until = loop.time() + min(DEFAULT_WAIT_SECONDS if self.seconds is None else self.seconds, MAX_WAIT_SECONDS)
        while True:
            rung = signals.listen(STOCK_VIEWS_CHANGED)
            if not (wanted := await versions_behind(wanted, projection_progress)):
                return True
            if (left := until - loop.time()) <= 0:
                return False
            await signals.wait(rung, min(pause, left))
            pause = min(pause * 2, MAX_POLL_INTERVAL_SECONDS)


async def versions_behind(wanted: Mapping[str, int], projection_progress: ProjectionProgress) -> Mapping[str, int]:
    """Return what the view has not come to."""
    left = dict(wanted)
    for begin in range(0, len(wanted), MAX_CONCURRENT_LOOKUPS):
        some = list(wanted)[begin : begin + MAX_CONCURRENT_LOOKUPS]
        for sku, version in zip(some, await asyncio.gather(*map(projection_progress.version, some)), strict=True):
            if version >= wanted[sku]:
                del left[sku]
    return left


def staleness_hint(caught_up: bool | None) -> str:
    """Return what to add to the news that something is unknown."""
    return "; the view has not caught up with what was asked for: ask again" if caught_up is False else ""
