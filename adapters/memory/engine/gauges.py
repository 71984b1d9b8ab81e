"""Metrics of the memory database, which has neither connections nor a clock."""

from core.kernel.gauges import Gauges


class MemoryGauges(Gauges):
    """Shows nothing."""

    async def refresh(self) -> None:
        """Read nothing."""
