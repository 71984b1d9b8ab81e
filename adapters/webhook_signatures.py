"""How webhooks are judged: their signatures, with two secrets while they are rotated, and their age."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hmac import compare_digest, digest
from typing import Any

from core.kernel.errors import Invalid
from core.kernel.vendor_errors import ForgedReport

TOLERANCE = timedelta(minutes=5)
"""Stripe's and Standard Webhooks' own; a webhook that is sent again is signed again."""


def sha256_mac(key: bytes, content: bytes) -> bytes:
    """Return the HMAC-SHA256 of a content."""
    return digest(key, content, "sha256")


def check_signature(valid: Iterable[bytes], given: Iterable[bytes], gateway: str) -> None:
    """Raise `ForgedReport` unless one of the given signatures is valid; the time does not depend on which."""
    expected = list(valid)
    if not any([compare_digest(each, signature) for each in expected for signature in given]):  # noqa: C419
        raise ForgedReport(f"the webhook has no valid signature of {gateway}")


def check_age(seconds: str, now: datetime) -> None:
    """Raise `ForgedReport` unless a Unix time is at most `TOLERANCE` away."""
    is_time = seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12
    if not is_time or abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise ForgedReport("the webhook was not signed within the last five minutes")


def json_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a webhook; raise `Invalid`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Invalid("a webhook is a JSON object")
    return document
