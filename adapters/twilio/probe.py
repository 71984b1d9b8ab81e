"""The probe of an account of Twilio."""

from base64 import b64encode
from urllib.parse import quote

from adapters.vendor_http import VendorHttpClient
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.vendor_errors import VendorUnavailable


class TwilioProbe(Probe):
    """Reads the account (https://www.twilio.com/docs/iam/api/account), which changes nothing."""

    name = "SMS (twilio)"
    deadline_seconds = 6.0
    remedy = "correct twilio.account_sid, twilio.auth_token or twilio.url"

    def __init__(self, *, url: str, account_sid: str, auth_token: str) -> None:
        self._url, self._has_credentials = url, bool(account_sid and auth_token)
        self._path = f"/2010-04-01/Accounts/{quote(account_sid, safe='')}.json"
        self._headers = {"Authorization": "Basic " + b64encode(f"{account_sid}:{auth_token}".encode()).decode()}

    async def check(self) -> str:
        if not self._has_credentials:
            raise Unavailable("twilio.account_sid or twilio.auth_token is empty")
        api = VendorHttpClient("twilio", self._url, timeout=5)
        try:
            answer = await api.get(self._path, self._headers)
        except VendorUnavailable as error:
            raise Unavailable(f"{self._url}: {error}") from error
        finally:
            await api.close()
        if answer.status != 200:
            raise Unavailable(f"{self._url} refuses the credentials: {answer.status}")
        if answer.fields.get("status") != "active":
            raise Unavailable(f"{self._url} does not let the account send: it is not active")
        return self._url + (", a trial account: to verified numbers" if answer.fields.get("type") == "Trial" else "")
