"""Figures of waiting deliveries in the memory database."""

from collections.abc import Sequence

from adapters.memory.engine.database import MemoryDatabase
from core.notifications.delivery import Channel, DeliveryState
from core.notifications.delivery_figures import (
    MAX_COUNTED_DELIVERIES,
    WAITING_STATES,
    DeliveryFigure,
    DeliveryFigures,
)


class MemoryDeliveryFigures(DeliveryFigures):
    """Counts the deliveries that are due first."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def waiting(self) -> Sequence[DeliveryFigure]:
        return [self._figure(state, channel) for state in WAITING_STATES for channel in Channel]

    def _figure(self, state: DeliveryState, channel: Channel) -> DeliveryFigure:
        known = self._database.deliveries.values()
        found = [each for each in known if (each.state, each.channel) == (state, channel)]
        counted = sorted(found, key=lambda each: each.due_at)[:MAX_COUNTED_DELIVERIES]
        in_doubt = state is not DeliveryState.PENDING
        since = [(in_doubt and each.in_doubt_since) or each.due_at for each in counted]
        return DeliveryFigure(state=state, channel=channel, count=len(since), oldest=min(since, default=None))
