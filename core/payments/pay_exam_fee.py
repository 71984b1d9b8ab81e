"""Pay an exam fee at a gateway."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from core.kernel.authorization import Permission, requires
from core.kernel.idempotency import RequestContext
from core.kernel.ids import Ids
from core.kernel.money import Money
from core.payments.account_batcher import AccountBatcher
from core.payments.errors import NoGateway, PaymentUnderWay
from core.payments.fee_account import FeeAccount
from core.payments.gateway import Checkout, OpenedOrder, OrderRequest, PaymentGateway
from core.payments.named_fee import reachable_fee
from core.payments.order import OrderState, OrderTerms, PaidPart, PaymentOrder
from core.payments.ports import FeeNames

RETURN_PATH = "/payments/returned"
"""Of the page to which gateways send the browser of a payer; it knows and changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPayment:
    """An attempt to pay: where the payer goes next."""

    order: UUID
    fee: UUID
    reference: str
    gateway: str
    amount: Money
    state: OrderState
    checkout: Checkout | None
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayChoice:
    """Which gateway collects."""

    default: str | None
    """None: gateways collect in the other currencies only."""
    by_currency: Mapping[str, str]

    def of(self, currency: str) -> str:
        """Return the gateway for a currency, or raise `NoGateway`."""
        if chosen := self.by_currency.get(currency, self.default):
            return chosen
        raise NoGateway(f"the office collects {currency} at the counter only")


@requires(Permission.SUBMISSIONS_WRITE)
@dataclass(frozen=True, slots=True)
class PayExamFee:
    """Open an order over what is due, or all that is owed; a second one while the first is under way is refused."""

    accounts: AccountBatcher
    names: FeeNames
    gateways: Mapping[str, PaymentGateway]
    choice: GatewayChoice
    terms: OrderTerms
    ids: Ids
    public_url: str

    async def __call__(self, fee: str, request: RequestContext, pays: PaidPart = PaidPart.DUE) -> OpenedPayment:
        """Return the order with the page of its gateway.

        Raises `UnknownFee`, `NothingOwed`, `PaymentClosed`, `PaymentUnderWay` with the state of the other attempt, and
        `VendorUnavailable` or `OutcomeUnknown`, after which the same order is opened by the next request.
        """
        submission = (await reachable_fee(self.names, fee)).submission
        order, reference = await self.accounts.change(submission, partial(self._reserve, request.arrived, pays))
        opened = await self.gateways[order.gateway].open(
            OrderRequest(
                order=order.id,
                amount=order.amount,
                reference=reference,
                expires_at=order.expires_at,
                return_url=f"{self.public_url}{RETURN_PATH}" if self.public_url else "",
            )
        )
        return await self.accounts.change(submission, partial(placed, order.id, opened), request)

    def _reserve(self, at: datetime, pays: PaidPart, account: FeeAccount) -> tuple[PaymentOrder, str]:
        """Add the attempt before the gateway hears of it; one that no payer has seen is continued.

        A fine that is due now is quoted before it is paid.
        """
        gateway = self.choice.of(account.charged.currency)
        return account.open_order(self.ids.new(), gateway, at, self.terms, pays=pays), account.reference


def placed(order: UUID, opened: OpenedOrder, account: FeeAccount) -> OpenedPayment:
    """Add what the gateway has answered; raise `PaymentUnderWay` if it opened the order a second time."""
    known = account.order(order)
    if known.gateway_order not in ("", opened.gateway_order):
        raise PaymentUnderWay.of(known)
    known.gateway_order, known.checkout = opened.gateway_order, opened.checkout
    return opened_payment(account, known)


def opened_payment(account: FeeAccount, order: PaymentOrder) -> OpenedPayment:
    """Return what the payer is told of an order."""
    return OpenedPayment(
        order=order.id,
        fee=account.submission,
        reference=account.reference,
        gateway=order.gateway,
        amount=order.amount,
        state=order.state,
        checkout=order.checkout,
        expires_at=order.expires_at,
    )
