"""Looks up messages that Twilio accepted."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from adapters.twilio.folding import folded
from adapters.twilio.status_reports import SID, as_status_report
from adapters.vendor_http import VendorHttpClient, parse_http_date
from core.kernel.vendor_errors import OutcomeUnknown, VendorUnavailable
from core.notifications.messages import Sms
from core.notifications.ports import SentMessages
from core.notifications.status_reports import DeliveryStatus, VendorReport, best_of

PAGE_SIZE, MAX_PAGES = 100, 10
MAX_PAGE_BYTES = 1_000_000
MAX_CLOCK_SKEW = timedelta(minutes=1)
"""Between the clocks of Twilio and of this process; Twilio's times are whole seconds."""


class TwilioSentMessages(SentMessages[Sms]):
    """Twilio's list of messages, which stores no delivery id; number, time and text identify a message.

    The query does not use `DateSent`, which a queued message lacks.  Texts are compared folded, because Twilio
    replaces characters.  A message to the same number at the same time with another text leaves the outcome unknown:
    templates and names change, and Twilio shortens and redacts.
    """

    def __init__(self, *, url: str, account_sid: str, auth_token: str, timeout: float = 30.0) -> None:
        self._api = VendorHttpClient("twilio", url, timeout)
        self._path = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}/Messages.json"
        self._headers = {"Authorization": "Basic " + b64encode(f"{account_sid}:{auth_token}".encode()).decode()}

    async def find(self, message: Sms, since: datetime, until: datetime) -> VendorReport | None:
        wanted = folded(message.text)
        resembling, matching = 0, dict[str, VendorReport]()
        try:
            async for sent in self._sent_to(message.to):
                if not since - MAX_CLOCK_SKEW <= moment(sent) <= until + MAX_CLOCK_SKEW:
                    continue
                if wanted and folded(str(sent.get("body"))) == wanted and SID.fullmatch(sid := str(sent.get("sid"))):
                    matching[sid] = as_status_report(sid, str(sent.get("status")), sent.get("error_code"))
                else:
                    resembling += 1
        except (OutcomeUnknown, VendorUnavailable):
            if all(each.learnt is DeliveryStatus.BOUNCED for each in matching.values()):
                raise  # a better message may be on the rest of the list
        if matching:
            return best_of(list(matching.values()))
        if resembling:
            raise OutcomeUnknown("twilio has another message to this number from that time: compare the texts")
        return None

    async def close(self) -> None:
        """Close the connections to Twilio."""
        await self._api.close()

    async def _sent_to(self, number: str) -> AsyncIterator[Mapping[str, Any]]:
        path = f"{self._path}?{urlencode({'To': number, 'PageSize': PAGE_SIZE})}"
        for _ in range(MAX_PAGES):
            answer = await self._api.get(path, self._headers, MAX_PAGE_BYTES)
            messages = answer.fields.get("messages")
            if answer.status != 200 or not isinstance(messages, list):
                raise VendorUnavailable(f"twilio answered {answer.status}", retry_after=answer.retry_after)
            for sent in messages:
                if str(sent.get("direction")).startswith("outbound"):
                    yield sent
            if not (path := answer.fields.get("next_page_uri") or ""):
                return
            if not path.startswith(self._path):
                raise OutcomeUnknown("twilio continues its list at a foreign address")
        raise OutcomeUnknown(
            f"twilio has more than {PAGE_SIZE * MAX_PAGES} messages to this number: search its list by hand"
        )


def moment(sent: Mapping[str, Any]) -> datetime:
    """Return when Twilio accepted a message; raise `OutcomeUnknown` without a date."""
    try:
        return parse_http_date(str(sent.get("date_created")))
    except ValueError:
        raise OutcomeUnknown("twilio does not say when it accepted a message to this number") from None
