"""Sends text messages through Twilio's Programmable Messaging API."""

import re
from base64 import b64encode
from urllib.parse import quote, urlencode

from adapters.twilio.answers import refused
from adapters.twilio.status_reports import callback_url
from adapters.vendor_http import VendorHttpClient, VendorResponse
from core.notifications.address_validation import check_sms
from core.notifications.messages import Accepted, Sms
from core.notifications.ports import SmsSender

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
    named = answer.fields.get("sid")
    if answer.status in (200, 201) and isinstance(named, str) and named:
        return Accepted("twilio", named)
    raise refused(answer)
