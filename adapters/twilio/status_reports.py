"""Reads Twilio's status callbacks: verifies the signature and translates the status.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hmac import compare_digest, digest
from urllib.parse import urlsplit

from core.kernel.errors import Invalid
from core.kernel.vendor_errors import ForgedReport
from core.notifications.messages import DeliveryId
from core.notifications.ports import VendorReports
from core.notifications.status_reports import DeliveryStatus, VendorReport

SID = re.compile(r"(SM|MM)[0-9A-Fa-f]{32}")
STATUS_BY_TWILIO_STATUS = {
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.BOUNCED,
    "failed": DeliveryStatus.BOUNCED,
    "canceled": DeliveryStatus.BOUNCED,
}
"""Any other status, including a future one, means that Twilio has the message and has not finished with it."""


class TwilioReports(VendorReports):
    """Status callbacks, accepted only with a valid signature: their address is public."""

    def __init__(self, *, public_url: str, auth_tokens: Sequence[str]) -> None:
        """Accept a signature with any of the tokens: while they are rotated, two are valid."""
        self._public_url, self._keys = public_url, [token.encode() for token in auth_tokens if token]

    def read(self, delivery: DeliveryId, fields: Sequence[tuple[str, str]], signature: str) -> VendorReport:
        # The URL that Twilio was given, not the URL of the request: a proxy may have changed that.
        url = callback_url(self._public_url, delivery)
        valid = [signed(each, fields, key) for each in with_and_without_port(url) for key in self._keys] if url else []
        if not any([compare_digest(each, signature.encode()) for each in valid]):  # noqa: C419 - in constant time
            raise ForgedReport(
                "the report has no valid Twilio signature, or http.public_url is not the address Twilio was given"
            )
        told = dict(fields)
        if not SID.fullmatch(told.get("MessageSid", "")) or not told.get("MessageStatus"):
            raise Invalid("a report has a MessageSid and a MessageStatus")
        return as_status_report(told["MessageSid"], told["MessageStatus"], told.get("ErrorCode", ""))


def callback_url(public_url: str, delivery: DeliveryId) -> str:
    """Return the URL for Twilio's reports on a delivery, empty without a public URL."""
    return f"{public_url.rstrip('/')}/v1/deliveries/{delivery}/reports/twilio" if public_url else ""


def with_and_without_port(url: str) -> tuple[str, str]:
    """Return the two forms of a URL that Twilio signs, as its own library accepts them."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.partition(":")
    port = port or {"https": "443", "http": "80"}[parts.scheme]
    return parts._replace(netloc=f"{host}:{port}").geturl(), parts._replace(netloc=host).geturl()


def signed(url: str, fields: Sequence[tuple[str, str]], key: bytes) -> bytes:
    """Return the signature that Twilio computes for a form."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(digest(key, text.encode(), "sha1"))


def as_status_report(sid: str, status: str, code: object) -> VendorReport:
    """Translate Twilio's status of a message."""
    learnt = STATUS_BY_TWILIO_STATUS.get(status, DeliveryStatus.FOUND)
    return VendorReport(
        "twilio", sid, learnt, f"twilio says {status[:32]}" + (f", error {str(code)[:16]}" if code else "")
    )
