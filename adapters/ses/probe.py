"""The probe of an account of Amazon SES."""

from adapters.ses.signing import SesSigner
from adapters.vendor_http import VendorHttpClient
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.vendor_errors import VendorUnavailable

PATH = "/v2/email/account"
"""https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html"""


class SesProbe(Probe):
    """Reads the account, which changes nothing."""

    name = "e-mail (ses)"
    deadline_seconds = 6.0
    remedy = "correct ses.access_key_id, ses.secret_access_key, ses.region or ses.url"

    def __init__(self, *, region: str, url: str, access_key_id: str, secret_access_key: str) -> None:
        self._has_credentials = bool(access_key_id and secret_access_key)
        self._url, self._signer = url, SesSigner(region, access_key_id, secret_access_key)

    async def check(self) -> str:
        if not self._has_credentials:
            raise Unavailable("ses.access_key_id or ses.secret_access_key is empty")
        api = VendorHttpClient("ses", self._url, timeout=5)
        try:
            answer = await api.get(PATH, self._signer.headers("GET", api.address(PATH)))
        except VendorUnavailable as error:
            raise Unavailable(f"{self._url}: {error}") from error
        finally:
            await api.close()
        if answer.headers.get("x-amzn-ErrorType", "").startswith("AccessDenied"):
            return f"{self._url}, the key is valid but may not read the account (ses:GetAccount)"
        if answer.status != 200:
            raise Unavailable(f"{self._url} refuses the credentials: {answer.status}")
        if not answer.fields.get("SendingEnabled", True):
            raise Unavailable(f"{self._url} does not let the account send")
        sandbox = (
            "" if answer.fields.get("ProductionAccessEnabled", True) else ", in its sandbox: to verified addresses"
        )
        return f"{self._url}{sandbox}"
