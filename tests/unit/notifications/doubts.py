"""A post room in which outcomes stay unknown, and vendors that can be asked about them."""

import asyncio
from datetime import timedelta
from typing import Any

from adapters.memory.students import MemoryContacts
from core.notifications.delivery import Channel
from core.notifications.enquiry import Enquiry
from core.notifications.errors import OutcomeUnknown
from core.notifications.findings import Learnt, Report
from core.notifications.messages import DeliveryId, Email, Sms
from core.notifications.note_vendor_report import NoteVendorReport
from core.notifications.ports import Reports, SentMessages
from core.notifications.reconcile_deliveries import ReconcileDeliveries
from core.notifications.settle_delivery import SettleDelivery, Settlement, Verdict
from tests.unit.notifications.post import LEASE, PlainTemplates, PostRoom

ABSENT_AFTER, PERSON_AFTER = timedelta(hours=1), timedelta(hours=24)
ASHA = "asha.1@example.org"
NOT_SENT = Settlement(verdict=Verdict.NOT_SENT, who="Ravi Deshpande", why="not in the vendor's log")
SENT = Settlement(verdict=Verdict.SENT, who="Ravi Deshpande", why="she showed it at the counter")


class Records(SentMessages[Email | Sms]):
    """A vendor's records, which answer as they are told, and know nothing of what they were told nothing about."""

    def __init__(self, rings: "asyncio.Queue[None]") -> None:
        self._rings = rings
        self.asked: list[Email | Sms] = []
        self.trouble: BaseException | asyncio.Event | None = None
        self._known: dict[DeliveryId, Report] = {}

    def know(self, delivery: DeliveryId, learnt: Learnt = Learnt.FOUND) -> None:
        self._known[delivery] = Report("vendor", f"v-{len(self._known) + 1}", learnt, f"vendor says {learnt}")

    async def find(self, message: Email | Sms, since: object, until: object) -> Report | None:
        self.asked.append(message)
        self._rings.put_nowait(None)
        trouble, known = self.trouble, self._known.get(message.delivery)
        if isinstance(trouble, asyncio.Event):
            await trouble.wait()
        if isinstance(trouble, BaseException):
            raise trouble
        return known


class Told(Reports):
    """Reports of a vendor that signs nothing."""

    def read(self, delivery: DeliveryId, fields: Any, signature: str) -> Report:
        return Report("vendor", dict(fields)["id"], Learnt(dict(fields)["learnt"]), "the vendor says so")


class DoubtfulRoom(PostRoom):
    """A post room with a reconciler, reports and somebody who decides."""

    def __init__(self) -> None:
        super().__init__()
        self.vendor, self.deputy = Records(self.rings), Records(self.rings)
        self.records: dict[str, Records | None] = {"vendor": self.vendor, "deputy": self.deputy}
        self.settle = SettleDelivery(self.new_work, self.clock)
        self._note_report = NoteVendorReport(self.new_work, Told(), self.clock)

    def reconciler(self, **changes: Any) -> ReconcileDeliveries:
        records = dict.fromkeys(Channel, self.records)
        given: dict[str, Any] = {
            "new_work": self.new_work,
            "contacts": MemoryContacts(self.store),
            "enquiry": Enquiry(records, PlainTemplates(), timedelta(seconds=5)),
            "clock": self.clock,
            "lease": LEASE,
            "absent_after": ABSENT_AFTER,
            "person_after": PERSON_AFTER,
        }
        return ReconcileDeliveries(**given | changes)

    async def reconcile(self) -> dict[str, int]:
        return {str(learnt): count for learnt, count in (await self.reconciler()()).items()}

    async def unknown(self, number: int = 1) -> DeliveryId:
        """Let the vendor take an e-mail and say nothing, and the time pass in which a dispatcher has it in hand."""
        [owed] = await self.owe(await self.enrol(number))
        self.email.will_answer(f"asha.{number}@example.org", OutcomeUnknown("no answer within 10 s"))
        await self.dispatch(Channel.EMAIL)
        assert self.state(owed) == "unknown"
        self.clock.pass_by(LEASE)
        return owed

    async def killed(self) -> DeliveryId:
        """Let a dispatcher die with a delivery in hand."""
        [owed] = await self.owe(await self.enrol())
        async with self.new_work() as work:
            await work.deliveries.claim(Channel.EMAIL, self.clock.now(), self.clock.now() + LEASE, 1)
            await work.commit()
        self.clock.pass_by(LEASE)
        await self.abandon()
        assert self.state(owed) == "unknown"
        return owed

    async def report(self, delivery: DeliveryId, learnt: Learnt, message: str = "v-1") -> None:
        await self._note_report(str(delivery), [("id", message), ("learnt", learnt)], "")

    def learnt(self, delivery: DeliveryId) -> list[str]:
        return [str(finding.learnt) for finding in self.store.findings.get(delivery, ())]

    def due_in(self, delivery: DeliveryId) -> timedelta:
        return self.delivery(delivery).due_at - self.clock.now()
