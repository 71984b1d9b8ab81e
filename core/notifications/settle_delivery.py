"""Decide what became of a delivery that nobody else can settle."""

from dataclasses import dataclass
from enum import StrEnum

from core.kernel.clock import Clock
from core.kernel.decisions import Decision
from core.notifications.delivery import IN_DOUBT_STATES, Delivery, DeliveryState
from core.notifications.delivery_list import DeliverySummary
from core.notifications.errors import DeliverySettled, UnknownDelivery
from core.notifications.messages import delivery_id
from core.notifications.ports import NewNotificationsWork
from core.notifications.status_reports import DeliveryStatus, StatusReport


class Verdict(StrEnum):
    """The two answers there are."""

    SENT = "sent"
    NOT_SENT = "not-sent"


STATE_BY_VERDICT = {Verdict.SENT: DeliveryState.SENT, Verdict.NOT_SENT: DeliveryState.PENDING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Decision):
    """What a person decided about a delivery."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class SettleDelivery:
    """Let a person decide, once; what was not sent is sent again."""

    new_work: NewNotificationsWork
    clock: Clock

    async def __call__(self, name: str, settlement: Settlement) -> DeliverySummary:
        """Return the delivery; raise `UnknownDelivery`, or `DeliverySettled` if there is nothing to decide."""
        async with self.new_work() as work:
            delivery = await work.cases.find(delivery_id(name))
            if delivery is None:
                raise UnknownDelivery(f"there is no delivery {name[:40]!r}")
            self._decide(delivery, settlement)
            await work.cases.save(delivery)
            await work.commit()
        return DeliverySummary.of(delivery)

    def _decide(self, delivery: Delivery, settlement: Settlement) -> None:
        if delivery.state not in IN_DOUBT_STATES:
            raise DeliverySettled(
                f"there is nothing to decide: the delivery is {delivery.state}", facts={"state": delivery.state}
            )
        told = f"{settlement.verdict}, says {settlement.who}: {settlement.why}"
        finding = StatusReport(at=self.clock.now(), learnt=DeliveryStatus.SETTLED, detail=told)
        delivery.resolve(STATE_BY_VERDICT[settlement.verdict], finding)
