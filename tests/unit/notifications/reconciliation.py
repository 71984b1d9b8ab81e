"""The notifications harness with unknown outcomes, and vendors with status queries."""

import asyncio
from datetime import timedelta
from typing import Any

from adapters.memory.students.roster import MemoryContacts
from core.kernel.vendor_errors import OutcomeUnknown
from core.notifications.delivery import Channel
from core.notifications.messages import DeliveryId, Email, Sms
from core.notifications.outcome_lookup import OutcomeLookup
from core.notifications.ports import SentMessages, VendorReports
from core.notifications.reconcile_deliveries import ReconcileDeliveries
from core.notifications.record_vendor_report import RecordVendorReport
from core.notifications.settle_delivery import SettleDelivery, Settlement, Verdict
from core.notifications.status_reports import DeliveryStatus, VendorReport
from tests.unit.notifications.harness import CLAIM_DURATION, LIFETIME, NotificationsHarness, StubTemplates

ABSENT_AFTER, PERSON_AFTER = timedelta(hours=1), timedelta(hours=24)
ASHA = "asha.1@example.org"
NOT_SENT = Settlement(verdict=Verdict.NOT_SENT, who="Ravi Deshpande", why="not in the vendor's log")
SENT = Settlement(verdict=Verdict.SENT, who="Ravi Deshpande", why="she showed it at the counter")


class StubSentMessages(SentMessages[Email | Sms]):
    """The records of a vendor: they contain the prepared messages only."""

    def __init__(self, rings: "asyncio.Queue[None]") -> None:
        self._rings = rings
        self.asked: list[Email | Sms] = []
        self.trouble: BaseException | asyncio.Event | None = None
        self._known: dict[DeliveryId, VendorReport] = {}

    def know(self, delivery: DeliveryId, learnt: DeliveryStatus = DeliveryStatus.FOUND) -> None:
        self._known[delivery] = VendorReport("vendor", f"v-{len(self._known) + 1}", learnt, f"vendor says {learnt}")

    async def find(self, message: Email | Sms, since: object, until: object) -> VendorReport | None:
        self.asked.append(message)
        self._rings.put_nowait(None)
        trouble, known = self.trouble, self._known.get(message.delivery)
        if isinstance(trouble, asyncio.Event):
            await trouble.wait()
        if isinstance(trouble, BaseException):
            raise trouble
        return known


class StubReports(VendorReports):
    """Vendor reports without a signature."""

    def read(self, delivery: DeliveryId, fields: Any, signature: str) -> VendorReport:
        return VendorReport("vendor", dict(fields)["id"], DeliveryStatus(dict(fields)["learnt"]), "the vendor says so")


class ReconciliationHarness(NotificationsHarness):
    """The notifications harness with a reconciler, vendor reports and decisions."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor, self.deputy = StubSentMessages(self.rings), StubSentMessages(self.rings)
        self.records: dict[str, StubSentMessages | None] = {"vendor": self.vendor, "deputy": self.deputy}
        self.settle = SettleDelivery(self.new_work, self.clock, LIFETIME)
        self._note_report = RecordVendorReport(self.new_work, StubReports(), self.clock)

    def reconciler(self, **changes: Any) -> ReconcileDeliveries:
        records = dict.fromkeys(Channel, self.records)
        given: dict[str, Any] = {
            "new_work": self.new_work,
            "contacts": MemoryContacts(self.store),
            "outcome_lookup": OutcomeLookup(records, StubTemplates(), self.late_facts, timedelta(seconds=5)),
            "clock": self.clock,
            "leases": dict.fromkeys(Channel, CLAIM_DURATION),
            "absent_after": ABSENT_AFTER,
            "person_after": PERSON_AFTER,
        }
        return ReconcileDeliveries(**given | changes)

    async def reconcile(self) -> dict[str, int]:
        return {str(learnt): count for learnt, count in (await self.reconciler()()).items()}

    async def unknown(self, number: int = 1, **facts: str) -> DeliveryId:
        """Return an unknown delivery: the vendor does not answer, and the claim expires."""
        [owed] = await self.add_delivery(await self.enrol(number), **facts)
        self.email.will_answer(f"asha.{number}@example.org", OutcomeUnknown("no answer within 10 s"))
        await self.dispatch(Channel.EMAIL)
        assert self.state(owed) == "unknown"
        self.clock.pass_by(CLAIM_DURATION)
        return owed

    async def claim_and_die(self) -> DeliveryId:
        """Let a dispatcher die with a delivery in flight."""
        [owed] = await self.add_delivery(await self.enrol())
        async with self.new_work() as work:
            await work.deliveries.claim(Channel.EMAIL, self.clock.now(), self.clock.now() + CLAIM_DURATION, 1)
            await work.commit()
        self.clock.pass_by(CLAIM_DURATION)
        await self.abandon()
        assert self.state(owed) == "unknown"
        return owed

    async def report(self, delivery: DeliveryId, learnt: DeliveryStatus, message: str = "v-1") -> None:
        await self._note_report(str(delivery), [("id", message), ("learnt", learnt)], "")

    def learnt(self, delivery: DeliveryId) -> list[str]:
        return [str(finding.learnt) for finding in self.store.status_reports.get(delivery, ())]

    def due_in(self, delivery: DeliveryId) -> timedelta:
        return self.delivery(delivery).due_at - self.clock.now()
