"""Send a notice."""

from dataclasses import dataclass
from datetime import timedelta

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.ids import Ids
from core.kernel.trace import current_trace
from core.notifications.delivery import REBUILT_BY_REPLAY, Channel, Delivery, DeliveryState, Notice
from core.notifications.messages import DeliveryId
from core.notifications.ports import NewNotificationsWork


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class SendNotice:
    """Create a delivery of a notice on each channel."""

    new_work: NewNotificationsWork
    clock: Clock
    ids: Ids
    lifetime: timedelta
    """The period after which a message expires that was not sent."""
    send: bool = True
    """Whether new deliveries are sent; a replay stores them as suppressed."""

    async def __call__(self, notice: Notice) -> None:
        """Store a delivery for each channel on which the notice has none."""
        now = self.clock.now()
        expires_at = min(notice.expires_at or now + self.lifetime, now + self.lifetime)
        async with self.new_work() as work:
            for channel in Channel:
                work.deliveries.add(
                    Delivery(
                        id=DeliveryId(self.ids.new()),
                        notice=notice.notice,
                        about=notice.about,
                        recipient=notice.recipient,
                        channel=channel,
                        template=notice.template,
                        facts=notice.facts,
                        state=DeliveryState.PENDING if self.send else DeliveryState.SUPPRESSED,
                        reason="" if self.send else REBUILT_BY_REPLAY,
                        due_at=now,
                        expires_at=expires_at,
                        trace=current_trace.get(),
                    )
                )
            await work.commit()
