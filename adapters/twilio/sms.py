"""Sends text messages through Twilio's Programmable Messaging API."""

import re
from base64 import b64encode
from urllib.parse import quote, urlencode

from adapters.twilio.status_reports import callback_url
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.notifications.address_validation import check_sms
from core.notifications.errors import OutcomeUnknown, Rejected, VendorUnavailable
from core.notifications.messages import Accepted, Sms
from core.notifications.ports import SmsSender

MESSAGE_REJECTED_CODES = frozenset({21211, 21214, 21217, 21421, 21602, 21605, 21610, 21614, 21617, 21623})
"""https://www.twilio.com/docs/api/errors: errors of the number or the text; others concern the account or Twilio."""


SERVICE_SID = re.compile(r"MG[0-9A-Fa-f]{32}")


class TwilioSmsSender(SmsSender):
    """Sends text messages from one number, sender id or messaging service of one Twilio account."""

    def __init__(
        self, *, url: str, account_sid: str, auth_token: str, sender: str, public_url: str = "", timeout: float = 30.0
    ) -> None:
        self._api = VendorHttpClient("twilio", url, timeout)
        self._path = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}/Messages.json"
        self._sender = {"MessagingServiceSid" if SERVICE_SID.fullmatch(sender) else "From": sender}
        self._public_url = public_url
        self._headers = {
            "Authorization": "Basic " + b64encode(f"{account_sid}:{auth_token}".encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        }

    async def send(self, message: Sms) -> Accepted:
        check_sms(message)
        form = {"To": message.to, **self._sender, "Body": message.text}
        if told := callback_url(self._public_url, message.delivery):
            form["StatusCallback"] = told
        return accepted(await self._api.post(self._path, urlencode(form).encode(), self._headers))

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._api.close()


def accepted(answer: VendorResponse) -> Accepted:
    """Return the acceptance, or raise the error that the answer means."""
    named, code = answer.fields.get("sid"), answer.fields.get("code")
    if answer.status in (200, 201) and isinstance(named, str) and named:
        return Accepted("twilio", named)
    detail = f"twilio answered {answer.status}" + (f" with {code}" if isinstance(code, int) else "")
    if answer.status < 300 or answer.status == 504:  # 504: a gateway forwarded the request and got no answer
        raise OutcomeUnknown(detail)
    if answer.status == 400 and isinstance(code, int) and code in MESSAGE_REJECTED_CODES:
        raise Rejected(detail)
    raise VendorUnavailable(detail, retry_after=answer.retry_after)
