"""What the notifications context can do."""

from dataclasses import dataclass

from core.notifications.dispatch_deliveries import DispatchDeliveries
from core.notifications.expire_claims import ExpireClaims
from core.notifications.expire_deliveries import ExpireDeliveries
from core.notifications.list_deliveries import ListDeliveries
from core.notifications.list_vendor_standings import ListVendorStandings
from core.notifications.preview_resend import PreviewResend
from core.notifications.publish_vendor_standings import PublishVendorStandings
from core.notifications.reconcile_deliveries import ReconcileDeliveries
from core.notifications.record_vendor_report import RecordVendorReport
from core.notifications.resend_deliveries import ResendDeliveries
from core.notifications.resend_delivery import ResendDelivery
from core.notifications.send_notice import SendNotice
from core.notifications.settle_delivery import SettleDelivery


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationsUseCases:
    """Notices, their deliveries, and what became of them; none of these calls a vendor."""

    send_notice: SendNotice
    list_deliveries: ListDeliveries
    settle_delivery: SettleDelivery
    record_vendor_report: RecordVendorReport
    expire_claims: ExpireClaims
    expire_deliveries: ExpireDeliveries
    preview_resend: PreviewResend
    resend_delivery: ResendDelivery
    resend_deliveries: ResendDeliveries
    list_vendor_standings: ListVendorStandings


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchUseCases:
    """What needs the adapters of the vendors; a process that sends nothing does not load them."""

    dispatch_deliveries: DispatchDeliveries
    reconcile_deliveries: ReconcileDeliveries
    publish_vendor_standings: PublishVendorStandings
