"""What the refusals of payment gateways mean, and which amounts gateways take."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from adapters.vendor_answers import About, judge
from adapters.vendor_http import VendorResponse
from core.kernel.currencies import decimal_places
from core.kernel.errors import CoreError
from core.kernel.money import Money
from core.kernel.vendor_errors import AccountFault, OutcomeUnknown, Rejected, VendorUnavailable

T = TypeVar("T")
CONFLICT, FAILED_DEPENDENCY = 409, 424
MAX_LIST_BYTES = 1_000_000
ERRORS: Mapping[About, Callable[[str], CoreError]] = {
    About.MESSAGE: Rejected,
    About.RECIPIENT: VendorUnavailable,
    About.ALLOWANCE: AccountFault,
    About.ACCOUNT: AccountFault,
    About.VENDOR: VendorUnavailable,
    About.UNKNOWN: OutcomeUnknown,
}


def gateway_refusal(answer: VendorResponse, named: About | None, *, structured: bool, detail: str) -> CoreError:
    """Return the error that an answer without success means; `named` is the class of its code.

    Unlike a message, a request for money is repeated by its id: one that conflicts with another of the same id, or
    depended on a third party, may have taken effect.
    """
    if named is None and answer.status in (CONFLICT, FAILED_DEPENDENCY):
        named = About.UNKNOWN
    error = ERRORS[judge(answer.status, named, structured=structured)](detail)
    if isinstance(error, VendorUnavailable | OutcomeUnknown):
        error.retry_after = answer.retry_after
    return error


def of_reading(error: CoreError) -> CoreError:
    """Return the error of a request that only reads: it has no outcome that could be unknown."""
    if isinstance(error, OutcomeUnknown):
        return VendorUnavailable(str(error), retry_after=error.retry_after)
    return error


@contextmanager
def known_ids() -> Iterator[None]:
    """Raise `VendorUnavailable` if a gateway refuses to read what it has named itself: the account is another one.

    Nothing follows for the order or refund that is asked about.
    """
    try:
        yield
    except Rejected as error:
        raise VendorUnavailable(str(error)) from error


def understood(meaning: Callable[[Mapping[str, Any]], T], told: Mapping[str, Any]) -> T:
    """Return what an object of a gateway means; raise `VendorUnavailable` for one of another form."""
    try:
        return meaning(told)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise VendorUnavailable(f"the gateway answered an object that is not understood: {error!r:.80}") from error


def effect(meaning: Callable[[Mapping[str, Any]], T], told: Mapping[str, Any]) -> T:
    """Return what an object means that a request has made; raise `OutcomeUnknown` for one of another form."""
    try:
        return understood(meaning, told)
    except VendorUnavailable as error:
        raise OutcomeUnknown(str(error)) from error


def check_expressible(amount: Money, gateway: str) -> None:
    """Raise `Rejected` for an amount that card networks cannot express.

    Of three decimal places the last is 0: https://docs.stripe.com/currencies#three-decimal, and Razorpay's orders.
    """
    places = decimal_places(amount.currency)
    if amount.minor <= 0:
        raise Rejected(f"{gateway} takes positive amounts")
    if places > 3 or (places == 3 and amount.minor % 10):
        raise Rejected(f"{gateway} cannot express {amount.minor} minor units of {amount.currency}: the last digit is 0")


def office_id(text: object) -> UUID | None:
    """Return an id of the office that a gateway keeps; None for what another program or a person wrote there."""
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def moment(seconds: Any) -> datetime:
    """Return the moment of a Unix time; raise `TypeError` or `ValueError` for anything else."""
    if not isinstance(seconds, int) or not 0 <= seconds < 1 << 40:
        raise ValueError(f"{seconds!r:.40} is no Unix time")
    return datetime.fromtimestamp(seconds, UTC)
