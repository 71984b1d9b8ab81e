"""The probe of an account of Razorpay."""

from adapters.razorpay.gateway import headers_of
from adapters.vendor_http import VendorHttpClient
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.vendor_errors import VendorUnavailable


class RazorpayProbe(Probe):
    """Lists one order, which changes nothing."""

    name = "payments (razorpay)"
    deadline_seconds = 6.0
    remedy = "correct razorpay.key_id, razorpay.key_secret or razorpay.url"

    def __init__(self, *, url: str, key_id: str, key_secret: str) -> None:
        self._url, self._key_id = url, key_id
        self._has_credentials, self._headers = bool(key_id and key_secret), headers_of(key_id, key_secret)

    async def check(self) -> str:
        if not self._has_credentials:
            raise Unavailable("razorpay.key_id or razorpay.key_secret is empty")
        api = VendorHttpClient("razorpay", self._url, timeout=5)
        try:
            answer = await api.get("/v1/orders?count=1", self._headers)
        except VendorUnavailable as error:
            raise Unavailable(f"{self._url}: {error}") from error
        finally:
            await api.close()
        if answer.status != 200:
            raise Unavailable(f"{self._url} refuses the key: {answer.status}")
        return self._url + (", in test mode: no money moves" if self._key_id.startswith("rzp_test_") else "")
