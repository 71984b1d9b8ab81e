"""Counter payments: what a clerk takes as cash, or books by the number of a cheque or of a challan of a bank."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from uuid import UUID

from core.kernel.constraints import Text
from core.kernel.decisions import Decision, check_second_person
from core.kernel.errors import Unprocessable
from core.kernel.money import Money
from core.kernel.period import Moment
from core.payments.errors import AlreadyDecided
from core.payments.order import OrderState, PaymentOrder
from core.payments.payment import COUNTER, Payment, payment_id

DOCUMENT = Text(
    "1 to 60 letters, digits, spaces, or `/`, `-`, `.`; of a cheque the number and its bank: 000123/400240015",
    r"[A-Za-z0-9][A-Za-z0-9 /.-]{0,59}",
)


class CounterMethod(StrEnum):
    """What a payer hands over."""

    CASH = "cash"
    CHEQUE = "cheque"
    CHALLAN = "challan"
    """The receipt of a bank where the payer has paid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterDeposit:
    """What a clerk is given for an exam fee."""

    amount: Money
    method: CounterMethod
    document: Annotated[str, DOCUMENT] | None = None
    """The number of the cheque or challan, which pays once; of cash none."""
    paid_at: Moment | None = None
    """When it was paid, by the date of the challan; without it: now."""

    def __post_init__(self) -> None:
        if self.amount.minor <= 0:
            raise Unprocessable("the amount is positive", at="$.amount.minor")
        if (self.document is None) is not (self.method is CounterMethod.CASH):
            raise Unprocessable("a cheque and a challan have a `document`, and cash has none", at="$.document")
        if self.document is not None:
            DOCUMENT.check("document", self.document)

    def moment(self, arrived: datetime, submitted: datetime | None, now: datetime) -> datetime:
        """Return when it was paid; raise `Unprocessable` for a time to come, or before the minute of the submission."""
        if self.paid_at and self.paid_at > now:
            raise Unprocessable("`paid_at` is in the future", at="$.paid_at")
        if self.paid_at and submitted and self.paid_at < submitted.replace(second=0, microsecond=0):
            raise Unprocessable(f"`paid_at` is before the fee was submitted, {submitted.isoformat()}", at="$.paid_at")
        return self.paid_at or min(arrived, now)  # a message tells its own time of arrival

    def number(self, request: UUID) -> str:
        """Return what no other payment has: the document, and for cash the id of its request."""
        document = " ".join(self.document.upper().split()) if self.document else request
        return f"{self.method}:{document}"


class CounterState(StrEnum):
    """How far a counter payment is."""

    WAITING = "waiting"
    """Its amount, or how far it is dated back, needs the decision of a second person."""
    TAKEN = "taken"
    REFUSED = "refused"
    """A second person has refused it; the payer is given it back."""


@dataclass(slots=True, kw_only=True, eq=False)
class CounterPayment:
    """A deposit for one fee, who took it, and who decided about it."""

    id: UUID
    submission: UUID
    method: CounterMethod
    number: str
    amount: Money
    paid_at: datetime
    taken_by: str
    taken_at: datetime
    state: CounterState = CounterState.TAKEN
    decided_by: str = ""
    why: str = ""

    @property
    def payment_id(self) -> UUID:
        """Return the id of its payment."""
        return payment_id(COUNTER, self.number)

    def payment(self) -> Payment:
        """Return what the fee account takes."""
        order = self.id if self.decided_by else None
        return Payment(
            id=self.payment_id,
            gateway=COUNTER,
            gateway_payment=self.number,
            order=order,
            method=self.method,
            amount=self.amount,
            paid_at=self.paid_at,
        )

    def waiting_order(self) -> PaymentOrder:
        """Return the order that makes its fee pending until a second person has decided."""
        return PaymentOrder(
            id=self.id,
            gateway=COUNTER,
            gateway_order=self.number,
            amount=self.amount,
            state=OrderState.AUTHORISED,
            opened_at=self.paid_at,
            expires_at=self.taken_at,
            check_at=None,
        )

    def decide(self, state: CounterState, decision: Decision) -> None:
        """Take the decision of a second person; raise `AlreadyDecided` or `SamePerson`."""
        if self.state is not CounterState.WAITING:
            raise AlreadyDecided(f"the counter payment {self.id} is {self.state}", facts={"state": self.state})
        check_second_person(self.taken_by, decision.who, "this payment")
        self.state, self.decided_by, self.why = state, decision.who, decision.why


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterReceipt:
    """What became of a counter payment."""

    id: UUID
    fee: UUID
    payment: UUID
    """The id of its payment, once it is taken."""
    amount: Money
    method: CounterMethod
    number: str
    paid_at: datetime
    state: CounterState
    taken_by: str
    taken_at: datetime
    decided_by: str
    """Empty: no second person was needed, or none has decided."""
    warning: str = ""
    """What the clerk tells the payer."""

    @classmethod
    def of(cls, taken: CounterPayment, warning: str = "") -> Self:
        """Return what people see of it."""
        return cls(
            id=taken.id,
            fee=taken.submission,
            payment=taken.payment_id,
            amount=taken.amount,
            method=taken.method,
            number=taken.number,
            paid_at=taken.paid_at,
            state=taken.state,
            taken_by=taken.taken_by,
            taken_at=taken.taken_at,
            decided_by=taken.decided_by,
            warning=warning,
        )
