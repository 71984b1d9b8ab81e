"""Record what gateways report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.clock import Clock
from core.payments.errors import UnknownPayment, UnreadableWebhook
from core.payments.gateway import GatewayReport, GatewayWebhooks, PaymentReported, RefundReported
from core.payments.gateway_reports import apply_report
from core.payments.payment import payment_id
from core.payments.ports import NewPaymentsUnitOfWork, PaymentRecords


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A verified webhook; its bytes are in an older event, or stored under its id."""

    id: UUID
    gateway: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class ToldReport:
    """What a webhook tells, with the order or payment that it names."""

    gateway: str
    report: GatewayReport
    order: UUID | None
    """None: it names a payment."""

    @property
    def payment(self) -> UUID:
        """Return the id of the payment that it is about."""
        if isinstance(self.report, RefundReported):
            return payment_id(self.gateway, self.report.refund.payment)
        told = self.report.payment
        return payment_id(self.gateway, told if isinstance(told, str) else told.id)


@requires(Permission.SYSTEM_RUN)
@dataclass(frozen=True, slots=True)
class RecordReports:
    """Apply webhooks to fee accounts: each payment, refund and chargeback has its effect once, however often told."""

    new_work: NewPaymentsUnitOfWork
    records: PaymentRecords
    webhooks: Mapping[str, GatewayWebhooks]
    clock: Clock

    async def __call__(self, received: Sequence[StoredWebhook]) -> None:
        """Apply the reports in order.

        Raises `UnknownPayment` for one about an order or payment that is not stored, or `UnreadableWebhook`.
        """
        bodies = await self._bodies(received)
        told = [each for webhook in received for each in await self._told(webhook.gateway, bodies[webhook.id])]
        if not told:
            return
        owners = await self._owners(told)
        now = self.clock.now()
        async with self.new_work() as work:
            accounts = await work.accounts.lock(set(owners))
            for submission, each in zip(owners, told, strict=True):
                apply_report(accounts[submission], each.gateway, each.report, each.order, now)
            for account in accounts.values():
                work.accounts.save(account)
                work.record(*account.events)
            await work.commit()

    async def _bodies(self, received: Sequence[StoredWebhook]) -> Mapping[UUID, bytes]:
        stored_apart = [each.id for each in received if not each.body]
        async with self.new_work() as work:
            bodies = await work.webhooks.bodies(stored_apart) if stored_apart else {}
        if gone := [each for each in stored_apart if each not in bodies]:
            raise UnreadableWebhook(f"the bytes of the webhook {gone[0]} are purged: ask the gateway about its payment")
        return {each.id: each.body or bodies[each.id] for each in received}

    async def _told(self, gateway: str, body: bytes) -> Sequence[ToldReport]:
        """Return what a webhook tells; an order that only the gateway's id names is looked up."""
        reports = self.webhooks[gateway].read(body)
        payments = [each for each in reports if isinstance(each, PaymentReported)]
        nameless = {each.gateway_order for each in payments if each.order is None}
        orders = await self.records.orders_of(gateway, nameless)
        return [
            ToldReport(
                gateway,
                each,
                (each.order or orders.get(each.gateway_order)) if isinstance(each, PaymentReported) else None,
            )
            for each in reports
        ]

    async def _owners(self, told: Sequence[ToldReport]) -> Sequence[UUID]:
        """Return the submission of each report; a payment may be told just before in the same batch."""
        subjects = {each.order or each.payment for each in told}
        owners = dict(await self.records.submissions_of(subjects))
        found = []
        for each in told:
            owner = owners.get(each.order or each.payment)
            if owner is None:
                raise UnknownPayment(f"{each.gateway} tells of the payment {each.payment}, whose order is not stored")
            owners[each.payment] = owner
            found.append(owner)
        return found
