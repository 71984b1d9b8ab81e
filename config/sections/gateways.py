"""The settings of payment gateways."""

import re
from base64 import b64decode
from binascii import Error
from typing import Annotated

import msgspec

from config.sections.section import NON_EMPTY, HttpUrl, PositiveInt, Secret, Section, check_port

CurrencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64
"""Of a secret of Standard Webhooks."""


class Payments(Section, frozen=True):
    """Who collects: new orders go to the first of `adapters.payments` unless their currency has its own."""

    gateway_by_currency: dict[CurrencyCode, str] = msgspec.field(default_factory=dict)
    """Words of `adapters.payments` by ISO 4217 code, as in `{ USD = "stripe" }`."""
    ask_after_seconds: Annotated[tuple[PositiveInt, ...], NON_EMPTY] = (300, 3_600, 86_400)
    """After its opening an order is asked about; the last is also the interval while its outcome is unknown."""
    counter_limit_minor: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 5_000_000
    """The largest payment at the counter that needs no second person, in minor units: 5000000 is ₹50,000."""
    counter_backdate_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 7
    """A payment at the counter that is dated back further waits for a second person; 0: each one that is dated back."""


class Stripe(Section, frozen=True):
    """Stripe's Checkout."""

    url: Annotated[HttpUrl, NON_EMPTY] = "https://api.stripe.com"
    secret_key: Secret = msgspec.field(default_factory=Secret)
    """Also a restricted key that may write Checkout Sessions and Refunds, and read PaymentIntents and Charges."""
    webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """Of the endpoint that receives the webhooks: `whsec_…`."""
    secondary_webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """While secrets are rotated: webhooks that are signed with it are valid, too."""

    def __post_init__(self) -> None:
        check_port(self.url, "stripe.url")


class Razorpay(Section, frozen=True):
    """Razorpay's Orders and hosted checkout."""

    url: Annotated[HttpUrl, NON_EMPTY] = "https://api.razorpay.com"
    key_id: str = ""
    key_secret: Secret = msgspec.field(default_factory=Secret)
    webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """Of the webhook, not of the key."""
    secondary_webhook_secret: Secret = msgspec.field(default_factory=Secret)
    """While secrets are rotated: webhooks that are signed with it are valid, too."""

    def __post_init__(self) -> None:
        check_port(self.url, "razorpay.url")


def check_webhook_secret(name: str, secret: Secret) -> None:
    """Raise `ValueError` unless a secret is empty, or `whsec_` and the Base64 of 24 to 64 bytes."""
    value = secret.reveal()
    try:
        size = len(b64decode(re.sub("^whsec_", "", value), validate=True))
    except (Error, ValueError):
        size = 0
    if value and not MIN_KEY_BYTES <= size <= MAX_KEY_BYTES:
        raise ValueError(f"{name} is not whsec_ and the Base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} random bytes")
