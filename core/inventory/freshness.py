"""How new a view has to be for whoever looks at it: to see what one has just written oneself, for one."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Self

from core.inventory.names import NAME
from core.inventory.views import STOCK_VIEWS, Seen
from core.shared.errors import Invalid
from core.shared.signals import Signals

TOKEN = re.compile(f"({NAME.pattern}):([0-9]{{1,9}})")
LONGEST = 5.0
"""Seconds that anybody is kept waiting."""
PATIENCE = 1.0
"""Seconds that a token waits whose sender does not say for how long."""
AT_ONCE = 256
"""Skus that are looked up together."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.01, 0.25
"""Between looks, where nobody rings because the views are fed by another process."""


class SkuVersion(NamedTuple):
    """A token: the sku and `version` of a line or batch that one was told of."""

    sku: str
    version: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `EXAM-KIT:17`."""
        if (found := TOKEN.fullmatch(text)) is None:
            raise Invalid("`at_least` is the sku and the version of a line: EXAM-KIT:17", at="$.at_least")
        return cls(found[1], int(found[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """A view should know at least of one version, or else of what is stored as we look; `seconds` are waited for it."""

    at_least: SkuVersion | None = None
    seconds: float | None = None

    async def awaited(
        self, written: Callable[[], Awaitable[Mapping[str, int]]], seen: Seen, signals: Signals
    ) -> bool | None:
        """Return whether the view came so far in time; None where nothing is asked of it."""
        if self.at_least is None and self.seconds is None:
            return None
        wanted: Mapping[str, int] = dict([self.at_least]) if self.at_least else await written()
        loop, pause = asyncio.get_running_loop(), SHORTEST_PAUSE
        until = loop.time() + min(PATIENCE if self.seconds is None else self.seconds, LONGEST)
        while True:
            rung = signals.listen(STOCK_VIEWS)
            if not (wanted := await missing(wanted, seen)):
                return True
            if (left := until - loop.time()) <= 0:
                return False
            await signals.wait(rung, min(pause, left))
            pause = min(pause * 2, LONGEST_PAUSE)


async def missing(wanted: Mapping[str, int], seen: Seen) -> Mapping[str, int]:
    """Return what the view has not come to."""
    left = dict(wanted)
    for begin in range(0, len(wanted), AT_ONCE):
        some = list(wanted)[begin : begin + AT_ONCE]
        for sku, version in zip(some, await asyncio.gather(*map(seen.version, some)), strict=True):
            if version >= wanted[sku]:
                del left[sku]
    return left


def may_be_older(caught_up: bool | None) -> str:
    """Return what to add to the news that something is unknown."""
    return "; the view has not caught up with what was asked for: ask again" if caught_up is False else ""
