"""Count the deliveries that a resend sends again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.notifications.delivery import DeliveryState
from core.notifications.delivery_list import DeliveryFilter, DeliveryGroup, DeliverySummary
from core.notifications.errors import NotResendable
from core.notifications.ports import DeliveryList
from core.notifications.resend_delivery import FAILED_STATES, RESENDABLE_STATES

MAX_PREVIEWED_DELIVERIES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPreview:
    """The deliveries that match a filter at one moment."""

    count: int
    groups: tuple[DeliveryGroup, ...]
    first: tuple[DeliverySummary, ...]
    """The first `MAX_PREVIEWED_DELIVERIES`."""
    searches: tuple[DeliveryFilter, ...]
    """The filter for each state, without deliveries that become due after that moment."""


@requires(Permission.DELIVERIES_READ)
@dataclass(frozen=True, slots=True)
class PreviewResend:
    """Count the deliveries that a resend would send, and show the first; nothing changes."""

    deliveries: DeliveryList
    clock: Clock

    async def __call__(
        self, search: DeliveryFilter, states: Sequence[DeliveryState] = FAILED_STATES
    ) -> DeliveryPreview:
        """Return what `ResendDeliveries` takes; raise `NotResendable` for a state that a resend does not end."""
        if refused := [state for state in states if state not in RESENDABLE_STATES]:
            raise NotResendable(f"a delivery that is {refused[0]} is not sent again", facts={"state": refused[0]})
        due = replace(search.due, until=max(search.due.since, min(search.due.until, self.clock.now())))
        searches = tuple(replace(search, state=state, due=due) for state in states)
        groups = [group for each in searches for group in await self.deliveries.count(each)]
        first: list[DeliverySummary] = []
        for each in searches:
            first += await self.deliveries.find(each, None, MAX_PREVIEWED_DELIVERIES - len(first))
        return DeliveryPreview(
            count=sum(group.count for group in groups), groups=tuple(groups), first=tuple(first), searches=searches
        )
