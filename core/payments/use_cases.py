"""The use cases of the payments context."""

from dataclasses import dataclass

from core.payments.bounce_cheque import BounceCheque
from core.payments.check_gateways import CheckGateways
from core.payments.decide_adjustments import DecideAdjustments
from core.payments.decide_counter_payment import DecideCounterPayment
from core.payments.decide_waiver import DecideWaiver
from core.payments.fine_overdue_fees import FineOverdueFees
from core.payments.list_adjustments import ListAdjustments
from core.payments.list_clearance import ListClearance
from core.payments.list_counter_payments import ListCounterPayments
from core.payments.list_refunds import ListRefunds
from core.payments.list_waivers import ListWaivers
from core.payments.open_fee_accounts import OpenFeeAccounts
from core.payments.pay_at_sandbox import PayAtSandbox
from core.payments.pay_exam_fee import PayExamFee
from core.payments.pay_out_refund import PayOutRefund
from core.payments.propose_adjustments import ProposeAdjustments
from core.payments.receive_webhook import ReceiveWebhook
from core.payments.record_reports import RecordReports
from core.payments.refund_payment import RefundPayment
from core.payments.remind_payers import RemindPayers
from core.payments.request_waiver import RequestWaiver
from core.payments.retract_waiver import RetractWaiver
from core.payments.settle_refund import SettleRefund
from core.payments.show_payments import ShowPayments
from core.payments.take_counter_payment import TakeCounterPayment
from core.payments.write_dues import WriteDues
from core.payments.write_dues_by_centre import WriteDuesByCentre


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsUseCases:
    """Orders at gateways, what was received, and what goes back."""

    open_fee_accounts: OpenFeeAccounts
    pay_exam_fee: PayExamFee
    pay_at_sandbox: PayAtSandbox
    receive_webhook: ReceiveWebhook
    record_reports: RecordReports
    check_gateways: CheckGateways
    show_payments: ShowPayments
    list_clearance: ListClearance
    request_waiver: RequestWaiver
    decide_waiver: DecideWaiver
    retract_waiver: RetractWaiver
    list_waivers: ListWaivers
    fine_overdue_fees: FineOverdueFees
    remind_payers: RemindPayers
    take_counter_payment: TakeCounterPayment
    decide_counter_payment: DecideCounterPayment
    list_counter_payments: ListCounterPayments
    bounce_cheque: BounceCheque
    refund_payment: RefundPayment
    list_refunds: ListRefunds
    settle_refund: SettleRefund
    pay_out_refund: PayOutRefund
    write_dues: WriteDues
    write_dues_by_centre: WriteDuesByCentre
    propose_adjustments: ProposeAdjustments
    list_adjustments: ListAdjustments
    decide_adjustments: DecideAdjustments
