"""Signs requests to Amazon SES."""

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class SesSigner:
    """Signs with one key, for one region."""

    def __init__(self, region: str, access_key_id: str, secret_access_key: str) -> None:
        self._signature = SigV4Auth(Credentials(access_key_id, secret_access_key), "ses", region)

    def headers(self, method: str, url: str, body: bytes = b"") -> dict[str, str]:
        """Return the headers of a request, with its signature."""
        request = AWSRequest(method, url, {"Content-Type": "application/json"}, body)
        self._signature.add_auth(request)
        return dict(request.headers.items())
