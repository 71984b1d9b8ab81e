"""The records that follow from the event log, by the name of the projection that stores them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from core.fees.submission import FeeSubmitted, Submission, SubmissionFacts
from core.inventory.views import StockDelta
from core.ledger.transaction import LedgerTransaction
from core.messaging.log_records import Fold
from core.messaging.message import Message
from core.payments.account_events import account_id
from core.payments.events import FeeAdjusted, PaymentCaptured, PaymentRestored, PaymentReversed
from core.policies.when_fee_account_changed import PostedEvent, transaction_of
from core.policies.when_fee_submitted import charge_of
from core.policies.when_settlement_posted import settlement_of
from core.settlements.settlement_line import SettlementPosted
from entrypoints.messages.inventory import STOCK_EVENT_TYPES, decode_stock_event
from entrypoints.messages.payments import POSTED
from entrypoints.strict_decoding import decode_event

POSTED_KINDS: Sequence[type[PostedEvent]] = (PaymentCaptured, PaymentReversed, PaymentRestored, FeeAdjusted, *POSTED)


def submission(message: Message) -> Sequence[Submission | FeeSubmitted]:
    """Return the submission of an event; the event itself where an earlier release kept nothing beside it."""
    event = decode_event(message.body, FeeSubmitted)
    return [Submission.from_log(event, decode_event(message.kept, SubmissionFacts)) if message.kept else event]


def posted(message: Message, kind: type[Any], post: Callable[[Any], LedgerTransaction | None]) -> Sequence[Any]:
    """Return the transaction of an event, if there is one."""
    transaction = post(decode_event(message.body, kind))
    return [transaction] if transaction else []


def stock(message: Message) -> Sequence[StockDelta]:
    """Return the state of lines and batches after an event."""
    return [StockDelta.of([decode_stock_event(message)])]


FOLDS: Mapping[str, Fold] = {
    "submissions": Fold(kinds={("fees", "FeeSubmitted"): submission}, is_consumed=False),
    "ledger": Fold(
        kinds={
            ("fees", "FeeSubmitted"): partial(posted, kind=FeeSubmitted, post=charge_of),
            ("settlements", "SettlementPosted"): partial(posted, kind=SettlementPosted, post=settlement_of),
            **{
                ("payments", each.MESSAGE_TYPE): partial(posted, kind=each, post=transaction_of)
                for each in POSTED_KINDS
            },
        },
        numbered=("payments", "settlements"),
        related=lambda fee: (fee, account_id(fee)),
    ),
    "inventory": Fold(kinds={("inventory", kind): stock for kind in STOCK_EVENT_TYPES}, numbered=("inventory",)),
}
