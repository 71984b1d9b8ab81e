"""What Twilio tells of a message: how it signs, and what its words mean.

https://www.twilio.com/docs/usage/webhooks/webhooks-security
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hmac import compare_digest, digest

from core.kernel.errors import Invalid
from core.notifications.errors import ForgedReport
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
"""Every other status, also one that is new, is of a message that Twilio has taken over and not yet come to an end."""


class TwilioReports(VendorReports):
    """Status callbacks, believed for their signature alone: anybody can reach the address they come to."""

    def __init__(self, *, public_url: str, auth_token: str) -> None:
        self._public_url, self._key = public_url, auth_token.encode()

    def read(self, delivery: DeliveryId, fields: Sequence[tuple[str, str]], signature: str) -> VendorReport:
        # What Twilio was told to call, not what the request says it called: a proxy may have changed that.
        url = callback_url(self._public_url, delivery)
        if not url or not self._key or not compare_digest(signed(url, fields, self._key), signature.encode()):
            raise ForgedReport("this does not bear Twilio's signature, or http.public_url is not where it was sent")
        told = dict(fields)
        if not SID.fullmatch(told.get("MessageSid", "")) or not told.get("MessageStatus"):
            raise Invalid("a report has a MessageSid and a MessageStatus")
        return report(told["MessageSid"], told["MessageStatus"], told.get("ErrorCode", ""))


def callback_url(public_url: str, delivery: DeliveryId) -> str:
    """Return where Twilio reports on a delivery; nowhere when nobody outside can reach us."""
    return f"{public_url.rstrip('/')}/v1/deliveries/{delivery}/reports/twilio" if public_url else ""


def signed(url: str, fields: Sequence[tuple[str, str]], key: bytes) -> bytes:
    """Return Twilio's signature of a form."""
    text = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(digest(key, text.encode(), "sha1"))


def report(sid: str, status: str, code: object) -> VendorReport:
    """Say in our words what Twilio says in its own."""
    learnt = STATUS_BY_TWILIO_STATUS.get(status, DeliveryStatus.FOUND)
    return VendorReport(
        "twilio", sid, learnt, f"twilio says {status[:32]}" + (f", error {str(code)[:16]}" if code else "")
    )
