"""The probe of an account of Stripe."""

from adapters.stripe.gateway import headers_of
from adapters.vendor_http import VendorHttpClient
from core.kernel.errors import Unavailable
from core.kernel.health import Probe
from core.kernel.vendor_errors import VendorUnavailable


class StripeProbe(Probe):
    """Reads the balance (https://docs.stripe.com/api/balance/balance_retrieve), which changes nothing."""

    name = "payments (stripe)"
    deadline_seconds = 6.0
    remedy = "correct stripe.secret_key or stripe.url"

    def __init__(self, *, url: str, secret_key: str) -> None:
        self._url, self._secret_key = url, secret_key

    async def check(self) -> str:
        if not self._secret_key:
            raise Unavailable("stripe.secret_key is empty")
        api = VendorHttpClient("stripe", self._url, timeout=5)
        try:
            answer = await api.get("/v1/balance", headers_of(self._secret_key))
        except VendorUnavailable as error:
            raise Unavailable(f"{self._url}: {error}") from error
        finally:
            await api.close()
        if answer.status == 403:
            return f"{self._url}, the key is valid but may not read the balance"
        if answer.status != 200:
            raise Unavailable(f"{self._url} refuses the key: {answer.status}")
        return self._url + ("" if answer.fields.get("livemode") else ", in test mode: no money moves")
