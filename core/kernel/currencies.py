"""The currencies that have minor units, by ISO 4217.

Source: list one (current currencies and funds) of the maintenance agency, SIX Financial Information, as of 2026-01-01,
and for withdrawn codes its list three.  Codes whose minor unit is "N.A." are no currencies here, because nothing can be
paid in them: metals (XAU), units of account (XDR), the test code (XTS) and the absence of a currency (XXX).
"""

from collections.abc import Mapping
from types import MappingProxyType

from core.kernel.errors import Unprocessable

_ACTIVE = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
        CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
        IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK
        MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP
        SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG
        YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_WITHDRAWN = {2: "ANG BGN CUC HRK SLL ZWL"}


def _by_code(codes: Mapping[int, str]) -> Mapping[str, int]:
    return MappingProxyType({code: places for places, some in codes.items() for code in some.split()})


ACTIVE_CURRENCIES = _by_code(_ACTIVE)
"""Decimal places of the major unit by currency; a schedule can be published in these."""
CURRENCIES: Mapping[str, int] = MappingProxyType({**_by_code(_WITHDRAWN), **ACTIVE_CURRENCIES})
"""The same with codes withdrawn since 2020; a schedule in force keeps its currency when the code is withdrawn."""
USUAL_DECIMAL_PLACES = 2
"""Those of a stored amount whose code is not listed; former versions accepted any three letters."""


def check_currency(code: str) -> None:
    """Raise `Unprocessable` for a code that ISO 4217 does not list, or lists without minor units."""
    if code not in CURRENCIES:
        raise Unprocessable(f"{code!r:.40} is no currency of ISO 4217 with minor units", at="$.currency")


def decimal_places(currency: str) -> int:
    """Return how many decimal places the major unit of a currency has: 2 for INR, 0 for JPY, 3 for KWD."""
    return CURRENCIES.get(currency, USUAL_DECIMAL_PLACES)
