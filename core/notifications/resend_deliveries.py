"""Send many deliveries again."""

from collections.abc import Callable
from dataclasses import dataclass

from core.kernel.authorization import Permission, requires
from core.kernel.decisions import Decision
from core.kernel.errors import CoreError, Unavailable
from core.kernel.pace import Pace
from core.notifications.delivery_list import DeliveryCursor
from core.notifications.messages import DeliveryId
from core.notifications.ports import DeliveryList
from core.notifications.preview_resend import DeliveryPreview
from core.notifications.resend_delivery import ResendDelivery

DELIVERIES_PER_PAGE = 200
OnResent = Callable[[DeliveryId, CoreError | None], None]
"""Is called after each delivery, with the error that prevented it, if there was one."""


@requires(Permission.DELIVERIES_SETTLE)
@dataclass(frozen=True, slots=True)
class ResendDeliveries:
    """Make every delivery of a preview pending again, each in a transaction of its own."""

    deliveries: DeliveryList

    async def __call__(
        self, preview: DeliveryPreview, resend: ResendDelivery, decision: Decision, pace: Pace, on_resent: OnResent
    ) -> None:
        """Return when each was tried once, or when `pace` stops; a refusal does not stop the others.

        Raises `Unavailable` at the first delivery that meets it; `on_resent` has reported those before.
        """
        for search in preview.searches:
            after: DeliveryCursor | None = None
            while page := await self.deliveries.find(search, after, DELIVERIES_PER_PAGE):
                for each in page:
                    if not await pace.acquire():
                        return
                    on_resent(each.id, await try_resend(resend, str(each.id), decision))
                after = DeliveryCursor(page[-1].due_at, page[-1].id)


async def try_resend(resend: ResendDelivery, delivery: str, decision: Decision) -> CoreError | None:
    """Send a delivery again, and return the error that prevents it; raise `Unavailable`."""
    try:
        await resend(delivery, decision)
    except Unavailable:
        raise
    except CoreError as error:
        return error
    return None
