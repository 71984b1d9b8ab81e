"""The use cases of the fees context."""

from dataclasses import dataclass

from core.fees.find_payment_terms import FindPaymentTerms
from core.fees.list_exam_fees import ListExamFees
from core.fees.list_fee_schedules import ListFeeSchedules
from core.fees.publish_fee_schedule import PublishFeeSchedule
from core.fees.quote_exam_fee import QuoteExamFee
from core.fees.repricings.reprice_submissions import RepriceSubmissions
from core.fees.repricings.request_repricing import RequestRepricing
from core.fees.repricings.show_repricing import ShowRepricing
from core.fees.repricings.start_repricing import StartRepricing
from core.fees.show_exam_fee import ShowExamFee
from core.fees.submit_exam_fee import SubmitExamFee
from core.fees.timelines.follow_timeline import FollowTimeline


@dataclass(frozen=True, slots=True, kw_only=True)
class FeesUseCases:
    """Schedules, quotes and submissions."""

    publish_fee_schedule: PublishFeeSchedule
    list_fee_schedules: ListFeeSchedules
    quote_exam_fee: QuoteExamFee
    submit_exam_fee: SubmitExamFee
    show_exam_fee: ShowExamFee
    follow_timeline: FollowTimeline
    list_exam_fees: ListExamFees
    find_payment_terms: FindPaymentTerms
    request_repricing: RequestRepricing
    start_repricing: StartRepricing
    show_repricing: ShowRepricing
    reprice_submissions: RepriceSubmissions
