"""Amounts as Stripe writes them (https://docs.stripe.com/currencies#minor-units)."""

from adapters.gateway_answers import check_expressible
from core.kernel.currencies import decimal_places
from core.kernel.money import Money
from core.kernel.vendor_errors import Rejected

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
WHOLE_IN_TWO_DECIMALS = frozenset({"ISK", "UGX"})
"""Without minor units by ISO 4217, and written with two decimals that are 00."""


def stripe_places(currency: str) -> int:
    """Return how many decimal places Stripe's amounts of a currency have."""
    if currency in ZERO_DECIMAL:
        return 0
    return 2 if currency in WHOLE_IN_TWO_DECIMALS else decimal_places(currency)


def to_stripe(amount: Money) -> int:
    """Return an amount in Stripe's units; raise `Rejected` for one that Stripe cannot express."""
    check_expressible(amount, "stripe")
    shift = stripe_places(amount.currency) - decimal_places(amount.currency)
    factor: int = 10 ** abs(shift)
    if shift < 0 and amount.minor % factor:
        raise Rejected(f"stripe takes whole amounts of {amount.currency}")
    return amount.minor * factor if shift >= 0 else amount.minor // factor


def from_stripe(units: int, currency: str) -> Money:
    """Return the amount of Stripe's units and its currency in small letters; raise `Invalid`."""
    code = currency.upper()
    shift = decimal_places(code) - stripe_places(code)
    factor: int = 10 ** abs(shift)
    return Money(units * factor if shift >= 0 else units // factor, code)
