"""Template filters that write amounts and moments in the language of the template."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import format_date, get_timezone_location
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context

from core.kernel.currencies import decimal_places
from core.kernel.money import SYMBOLS, Money, format_amount

LANGUAGE = "language"
"""The variable of a template that names its language."""
LOCALES = {"en": "en_001"}
"""International English writes `8 March 2026`; the plain locale is that of the United States."""
NOWHERE, WORLD = "ZZ", "001"
"""What the locale data name as the territory of a zone without one."""
Fact = Mapping[str, Any] | str
"""Deliveries of former versions hold the written text, which is left as it is."""


@pass_context
def amount(context: Context, fact: Fact) -> str:
    """Return an amount: `₹1,50,000.00`, `JPY 5,000`; the decimals are those of ISO 4217, not of the locale's data."""
    if isinstance(fact, str):
        return fact
    money = Money(**fact)
    if context[LANGUAGE] == "en":
        return format_amount(money)
    places, locale = decimal_places(money.currency), locale_of(context)
    pattern = re.sub(r"\.0+", f".{'0' * places}".rstrip("."), locale.currency_formats["standard"].pattern)
    if money.currency not in SYMBOLS:
        pattern = pattern.replace("¤", "¤¤\N{NO-BREAK SPACE}").rstrip()  # the code: `$` is that of many
    major = Decimal(money.minor).scaleb(-places)
    return format_currency(major, money.currency, pattern, locale=locale, currency_digits=False)


@pass_context
def moment(context: Context, fact: Fact, zone: Literal["place and id", "place", "id"] = "place and id") -> str:
    """Return `8 March 2026, 23:59, India Time (Asia/Kolkata)`."""
    if isinstance(fact, str):
        return fact
    local, name, locale = datetime.fromisoformat(fact["at"]), fact["zone"], locale_of(context)
    written = f"{format_date(local, 'long', locale=locale)}, {local:%H:%M}"
    if zone == "id" or not is_in_a_country(name):
        return f"{written} ({name})"
    place = get_timezone_location(ZoneInfo(name), locale=locale)
    return f"{written}, {place}" if zone == "place" else f"{written}, {place} ({name})"


def is_in_a_country(zone: str) -> bool:
    """Tell whether the zone is that of a place: `UTC` and `Etc/GMT-5` are not."""
    canonical = get_global("zone_aliases").get(zone, zone)
    return get_global("zone_territories").get(canonical, NOWHERE) not in (NOWHERE, WORLD)


def locale_of(context: Context) -> Locale:
    """Return the locale of the template."""
    language = context[LANGUAGE]
    return Locale.parse(LOCALES.get(language, language))
