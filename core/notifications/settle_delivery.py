"""Settle a delivery."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.notifications.delivery import IN_DOUBT_STATES, Delivery, DeliveryState, decided
from core.notifications.delivery_list import DeliverySummary
from core.notifications.errors import DeliverySettled, UnknownDelivery
from core.notifications.messages import parse_delivery_id
from core.notifications.ports import NewNotificationsWork
from core.notifications.status_reports import DeliveryStatus, StatusReport


class Verdict(StrEnum):
    """The two possible decisions."""

    SENT = "sent"
    NOT_SENT = "not-sent"


STATE_BY_VERDICT = {Verdict.SENT: DeliveryState.SENT, Verdict.NOT_SENT: DeliveryState.PENDING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Decision):
    """A person's decision about a delivery in doubt."""

    verdict: Verdict


@requires(Permission.DELIVERIES_SETTLE)
@dataclass(frozen=True, slots=True)
class SettleDelivery:
    """Apply a person's decision once; a message that was not sent becomes pending."""

    ACTION: ClassVar = "settle-delivery"

    new_work: NewNotificationsWork
    clock: Clock
    lifetime: timedelta
    """The period after which a message that was not sent expires again."""

    async def __call__(self, name: str, settlement: Settlement) -> DeliverySummary:
        """Return the settled delivery; raise `UnknownDelivery`, or `DeliverySettled` if it is not in doubt."""
        async with self.new_work() as work:
            delivery = await work.in_doubt_deliveries.find(parse_delivery_id(name))
            if delivery is None:
                raise UnknownDelivery.named(name)
            before = delivery.state
            self._decide(delivery, settlement)
            await work.in_doubt_deliveries.save(delivery)
            work.audit(decided(self.ACTION, delivery, before, settlement))
            await work.commit()
        return DeliverySummary.of(delivery)

    def _decide(self, delivery: Delivery, settlement: Settlement) -> None:
        if delivery.state not in IN_DOUBT_STATES:
            raise DeliverySettled(
                f"there is nothing to decide: the delivery is {delivery.state}", facts={"state": delivery.state}
            )
        detail = f"{settlement.verdict}, says {settlement.who}: {settlement.why}"
        report = StatusReport(at=self.clock.now(), learnt=DeliveryStatus.SETTLED, detail=detail)
        delivery.resolve(STATE_BY_VERDICT[settlement.verdict], report)
        if delivery.state is DeliveryState.PENDING:
            delivery.expires_at = report.at + self.lifetime
