"""The errors of the payments context."""

from typing import Self

from core.kernel.errors import Conflict, NotFound, Unavailable, Unprocessable
from core.payments.order import PaymentOrder


class UnknownFee(NotFound):
    """No submission has this id."""

    problem = "unknown-fee"


class NotChargedYet(Unavailable):
    """The fee was submitted a moment ago, and is not charged yet; send the request again."""

    problem = "not-charged-yet"

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the error for a fee whose event is not processed."""
        return cls(f"the exam fee {name[:40]} was submitted, and is charged in a moment", retry_after=1.0)


class NoFeesCharged(NotFound):
    """No fee within reach was charged by the schedule."""

    problem = "no-fees-charged"


class UnknownGateway(NotFound):
    """The settings name no payment gateway of this name."""

    problem = "unknown-gateway"


class UnknownPayment(NotFound):
    """No payment, order or refund has this id."""

    problem = "unknown-payment"


class PaymentUnderWay(Conflict):
    """Another attempt to pay the fee is open, or its outcome is unknown."""

    problem = "payment-under-way"

    @classmethod
    def of(cls, order: PaymentOrder) -> Self:
        """Return the refusal of a second attempt."""
        told = {"order": str(order.id), "state": str(order.state)}
        return cls(f"do not pay again: the payment {order.id} of this fee is {order.state}", facts=told)


class NoGateway(Conflict):
    """No payment gateway collects in this currency."""

    problem = "no-gateway"


class NothingOwed(Conflict):
    """The fee is paid."""

    problem = "nothing-owed"


class PaymentClosed(Conflict):
    """The deadline of payment is over, and the schedule has no fine for a later one."""

    problem = "payment-closed"


class NotRefundable(Conflict):
    """The payment has less left than the refund asks for."""

    problem = "not-refundable"


class AlreadyDecided(Conflict):
    """The request is approved or refused already."""

    problem = "already-decided"


class UnknownWaiver(NotFound):
    """No waiver has this id."""

    problem = "unknown-waiver"


class UnknownHead(Unprocessable):
    """Nothing was charged for the head."""

    problem = "unknown-head"


class WaivedTooMuch(Conflict):
    """The waiver is larger than what is due."""

    problem = "waived-too-much"


class WrongCurrency(Unprocessable):
    """The amount is in another currency than the fee."""

    problem = "wrong-currency"


class UnreadableWebhook(Conflict):
    """The bytes of the webhook were purged, or cannot be decrypted; the gateway still tells what it told."""

    problem = "unreadable-webhook"


class DocumentUsed(Conflict):
    """The cheque or challan of this number has paid a fee already, or waits for a decision."""

    problem = "document-used"


class UnknownCounterPayment(NotFound):
    """No counter payment has this id."""

    problem = "unknown-counter-payment"


class NotACheque(Conflict):
    """Only a cheque can bounce."""

    problem = "not-a-cheque"


class UnknownRefund(NotFound):
    """No refund has this id."""

    problem = "unknown-refund"


class RefundNotInDoubt(Conflict):
    """The gateway of the refund knows what became of it, or is asked again."""

    problem = "refund-not-in-doubt"


class UnknownAdjustment(NotFound):
    """No adjustment has this id."""

    problem = "unknown-adjustment"
