"""Messages of the fees context."""

from collections.abc import Sequence

from core.fees.price_again import FeeRepriced
from core.fees.submission import ExamFeeRefused, FeeSubmitted
from core.fees.submit_exam_fee import ExamFeeSubmission
from core.kernel.authorization import Permission
from core.kernel.idempotency import RequestContext
from core.messaging.message import Message, Received
from core.messaging.routing import Route, RouteKey
from core.policies.when_fee_repriced import when_fee_repriced
from core.policies.when_fee_submitted import when_fee_submitted
from core.use_cases import UseCases
from entrypoints.messages.handlers import command, ignore_messages, topic_principal
from entrypoints.strict_decoding import decode, decode_event


@command(ExamFeeRefused)
async def submit_exam_fee(message: Message, use_cases: UseCases) -> None:
    """Submit an exam fee; the inbox has checked that the message is new."""
    await use_cases.fees.submit_exam_fee(decode(message.body, ExamFeeSubmission), RequestContext(arrived=message.at))


async def fee_submitted(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode submitted fees and apply their policy."""
    submitted = [Received(each, decode_event(each.body, FeeSubmitted)) for each in messages]
    await when_fee_submitted(submitted, use_cases)


async def fee_repriced(messages: Sequence[Message], use_cases: UseCases) -> None:
    """Decode other prices and apply their policy."""
    await when_fee_repriced([Received(each, decode_event(each.body, FeeRepriced)) for each in messages], use_cases)


ROUTES: dict[RouteKey, Route] = {
    ("fees.commands", "SubmitExamFee"): submit_exam_fee,
    ("fees", "FeeSubmitted"): fee_submitted,
    ("fees", "FeeRepriced"): fee_repriced,
    ("fees", "ExamFeeRefused"): ignore_messages,
    ("fees.dead-letters", "MessageBuried"): ignore_messages,
}
PRINCIPALS = {"fees.commands": topic_principal("fees.commands", Permission.SUBMISSIONS_WRITE)}
