"""Send a delivery again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.notifications.delivery import REBUILT_BY_REPLAY, Delivery, DeliveryState, decided
from core.notifications.delivery_list import DeliverySummary
from core.notifications.errors import NotResendable, UnknownDelivery
from core.notifications.messages import parse_delivery_id
from core.notifications.ports import NewNotificationsWork
from core.notifications.status_reports import DeliveryStatus, StatusReport

FAILED_STATES = (DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.BOUNCED)
RESENDABLE_STATES = (*FAILED_STATES, DeliveryState.UNDECIDED, DeliveryState.SUPPRESSED)
"""The final states without a message at a vendor, and one in which a person has to know that there is none."""


@requires(Permission.DELIVERIES_SETTLE)
@dataclass(frozen=True, slots=True)
class ResendDelivery:
    """Make a delivery pending again that ended without a message at a vendor; the decision is stored with it."""

    ACTION: ClassVar = "resend-delivery"

    new_work: NewNotificationsWork
    clock: Clock
    lifetime: timedelta
    """The period after which it expires again."""

    async def __call__(self, name: str, decision: Decision) -> DeliverySummary:
        """Return the pending delivery; raise `UnknownDelivery` or `NotResendable`."""
        async with self.new_work() as work:
            delivery = await work.in_doubt_deliveries.find(parse_delivery_id(name))
            if delivery is None:
                raise UnknownDelivery.named(name)
            before = delivery.state
            self._requeue(delivery, decision)
            await work.in_doubt_deliveries.save(delivery)
            work.audit(decided(self.ACTION, delivery, before, decision))
            await work.commit()
        return DeliverySummary.of(delivery)

    def _requeue(self, delivery: Delivery, decision: Decision) -> None:
        if delivery.state not in RESENDABLE_STATES or delivery.reason == REBUILT_BY_REPLAY:
            why = delivery.reason if delivery.reason == REBUILT_BY_REPLAY else "only what ended unsent is sent again"
            raise NotResendable(f"the delivery is {delivery.state}: {why}", facts={"state": delivery.state})
        now, detail = self.clock.now(), f"send again, says {decision.who}: {decision.why}"
        delivery.resolve(DeliveryState.PENDING, StatusReport(at=now, learnt=DeliveryStatus.SETTLED, detail=detail))
        delivery.expires_at = now + self.lifetime
